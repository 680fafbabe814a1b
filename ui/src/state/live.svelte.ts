/** What changes by itself: one stream a window for the experiments that are shown. */
import { untrack } from 'svelte'
import { urlOf } from '../api/client'
import { connection } from '../api/connection.svelte'

export interface Changes {
  /** How many runs were made. */
  new: number
  /** Runs whose state, name or stage changed. */
  runs: string[]
  /** Runs with new points. */
  points: string[]
  /** How many runs are running. */
  running: number
  /** How many traces came or changed; not said if it is none. */
  traces?: number
  /** More than can be said: all must be read again. */
  reload?: boolean
  /** Nothing is known of before: what was read meanwhile, and goes on, may be old. */
  first?: boolean
}

/**
 * Listen as long as the component that calls this while it is made is there.
 *
 * @param since The cursor of what was read first: what has changed since then is told. Empty if it has none, and undefined
 *   until it was read.
 */
export function useChanges(experiments: () => readonly string[], take: (changes: Changes) => void, since: () => string | undefined = () => ''): void {
  const wanted = $derived(JSON.stringify([...experiments()].sort()))
  const ready = $derived(since() !== undefined)
  /** Up to where everything was told of the experiments `of`. */
  let seen: string | undefined
  let of = ''
  $effect(() => {
    void connection.epoch
    const ids = JSON.parse(wanted) as string[]
    if (ids.length === 0 || !ready) return
    if (of !== wanted) seen = untrack(since) || undefined
    of = wanted
    let stream: EventSource | undefined
    const heard = (event: Event) => {
      const { data, lastEventId } = event as MessageEvent<string>
      const changes = JSON.parse(data) as Changes
      if (seen === undefined) changes.first = true
      seen = lastEventId
      if (changes.reload) connection.renew()
      else take(changes)
    }
    // A browser has six connections to a server for all of its tabs: one that nobody sees needs none.
    const listen = () => {
      stream?.close()
      stream = document.hidden ? undefined : new EventSource(urlOf('ajax-api/ui/changes', { experiment_ids: ids, since: seen }))
      stream?.addEventListener('changes', heard)
    }
    listen()
    document.addEventListener('visibilitychange', listen)
    return () => {
      document.removeEventListener('visibilitychange', listen)
      stream?.close()
    }
  })
}
