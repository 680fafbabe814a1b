/** The list of experiments, which the rail and several pages show. */
import { call } from '../api/client'
import { connection } from '../api/connection.svelte'
import type { Rpcs } from '../api/types.gen'

export type Experiment = Rpcs['GET ui/experiments']['response']['experiments'][number]

let list = $state.raw<readonly Experiment[] | undefined>()
let asked = 0
let failed = $state<string | undefined>()

export const experiments = {
  /** Most recently active first; undefined until they are known. */
  get list(): readonly Experiment[] | undefined {
    return list
  },
  /** Why they are not known. */
  get failed(): string | undefined {
    return failed
  },
  byId(id: string): Experiment | undefined {
    return list?.find((one) => one.experiment_id === id)
  },
}

/** Its name, or what stands for it until it is known. */
export function nameOf(id: string): string {
  return experiments.byId(id)?.name ?? (list ? `Experiment ${id}` : '')
}

export async function loadExperiments(): Promise<void> {
  const mine = ++asked
  try {
    const { experiments } = await call('GET ui/experiments', { view: 'ALL' })
    if (mine !== asked) return
    list = experiments
    failed = undefined
  } catch (error) {
    if (mine === asked) failed = error instanceof Error ? error.message : String(error)
  }
}

/** To be called once, by the shell. */
export function keepExperiments(): void {
  $effect(() => {
    void connection.epoch
    void loadExperiments()
  })
}
