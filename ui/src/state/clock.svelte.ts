/** Now, for what is relative to it; it moves on every second as long as anything on the page shows it. */
import { createSubscriber } from 'svelte/reactivity'

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, 1000)
  return () => clearInterval(timer)
})

export const clock = {
  /** Milliseconds since the epoch. */
  get now(): number {
    subscribe()
    return Date.now()
  },
}
