import { untrack } from 'svelte'
import { ApiError } from './client'
import { connection } from './connection.svelte'

/** Milliseconds before anything says that it is loading. */
const QUIET = 300

/** What a component shows of the server's. The last good data stays while new data is loaded, and when that fails. */
export class Resource<T> {
  data = $state.raw<T | undefined>()
  error = $state.raw<ApiError | undefined>()
  /** Loading, and for long enough that it should be said. */
  slow = $state(false)
  #version = $state(0)

  get version(): number {
    return this.#version
  }

  /** Load again. */
  reload(): void {
    this.#version = untrack(() => this.#version) + 1
  }
}

/**
 * Data that follows its key. To be called while a component is made.
 *
 * @param key What to load; undefined for nothing yet. It is loaded again when its JSON changes.
 * @param keep Whether data of another key may be shown until the new data is there.
 */
export function resource<K, T>(
  key: () => K | undefined,
  load: (key: K, signal: AbortSignal) => Promise<T>,
  keep = true,
): Resource<T> {
  const found = new Resource<T>()
  const text = $derived(JSON.stringify(key()))
  let last: string | undefined
  $effect(() => {
    const now = text
    void found.version
    void connection.epoch
    if (now === undefined) {
      found.data = found.error = undefined
      return
    }
    if (now !== last && !keep) found.data = found.error = undefined
    last = now
    const abort = new AbortController()
    const timer = setTimeout(() => (found.slow = true), QUIET)
    const wanted = untrack(key)
    load(wanted as K, abort.signal)
      .then((data) => {
        if (abort.signal.aborted) return
        found.data = data
        found.error = undefined
      })
      .catch((error: unknown) => {
        if (abort.signal.aborted) return
        found.error = error instanceof ApiError ? error : new ApiError(String(error), '', 0)
      })
      .finally(() => {
        if (abort.signal.aborted) return
        clearTimeout(timer)
        found.slow = false
      })
    return () => {
      clearTimeout(timer)
      found.slow = false
      abort.abort()
    }
  })
  return found
}
