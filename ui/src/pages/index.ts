/** Every page, each loaded when it is first gone to. */
import type { Component } from 'svelte'
import type { Page, Route } from '../route'

type Loaded = Promise<{ default: unknown }>

const PAGES: Record<Page, () => Loaded> = {
  home: () => import('./Home.svelte'),
  runs: () => import('./Runs.svelte'),
  run: () => import('./Run.svelte'),
  compare: () => import('./Compare.svelte'),
  'logged-models': () => import('./LoggedModels.svelte'),
  'logged-model': () => import('./LoggedModel.svelte'),
  traces: () => import('./Traces.svelte'),
  trace: () => import('./Trace.svelte'),
  datasets: () => import('./Datasets.svelte'),
  models: () => import('./Models.svelte'),
  model: () => import('./Model.svelte'),
  version: () => import('./Version.svelte'),
  'compare-versions': () => import('./CompareVersions.svelte'),
  prompts: () => import('./Prompts.svelte'),
  prompt: () => import('./Prompts.svelte'),
  settings: () => import('./Settings.svelte'),
  missing: () => import('./Missing.svelte'),
}

export async function load(page: Page): Promise<Component<{ route: Route }>> {
  return (await PAGES[page]()).default as Component<{ route: Route }>
}
