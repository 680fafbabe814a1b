/** What changes by itself: one stream a window for the experiments that are shown. */
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
}

/** Listen as long as the component that calls this while it is made is there. */
export function useChanges(experiments: () => readonly string[], take: (changes: Changes) => void): void {
  const wanted = $derived(JSON.stringify([...experiments()].sort()))
  $effect(() => {
    void connection.epoch
    const ids = JSON.parse(wanted) as string[]
    if (ids.length === 0) return
    let stream: EventSource | undefined
    let seen: string | undefined
    const heard = (event: Event) => {
      const { data, lastEventId } = event as MessageEvent<string>
      const changes = JSON.parse(data) as Changes
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
