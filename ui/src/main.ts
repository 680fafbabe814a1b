import { mount } from 'svelte'
import App from './App.svelte'
import Framed from './Framed.svelte'
import './app.css'

const framed = location.pathname.endsWith('/static-files/lib/notebook-trace-renderer/index.html')
const target = document.getElementById('app')
if (target) mount(framed ? Framed : App, { target })
