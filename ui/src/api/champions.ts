/** What the list of models says of each: its champion with its main metric, and who changed it last. */
import { champion, type Version } from '../lib/registry'
import { mainValue, type Value } from '../lib/measured'
import { changeOf, type Change } from '../lib/trail'
import { experiments } from '../state/experiments.svelte'
import { call } from './client'
import { loadSources, measuredOf, versionOf, type Model } from './registry'

export interface Champion {
  version: Version
  /** undefined if nothing was measured. */
  value: Value | undefined
}

const NAMES_AT_ONCE = 500

/** Champions by the names of models. A version that an alias names and that is not the newest of its stage is asked for. */
export async function loadChampions(models: readonly Model[], signal?: AbortSignal): Promise<Map<string, Champion>> {
  const versions = new Map<string, Version>()
  await Promise.all(models.map(async (model) => {
    const named = model.aliases.find((a) => a.alias === 'champion')?.version
    if (named !== undefined && !model.latest.some((v) => v.version === named)) {
      const found = await call('GET 2.0/mlflow/model-versions/get', { name: model.name, version: named }, signal)
      versions.set(model.name, versionOf(found.model_version, model.aliases))
    } else {
      const best = champion(model.latest)
      if (best) versions.set(model.name, best)
    }
  }))
  const sources = await loadSources([...versions.values()], signal)
  const ids = [...new Set([...sources.runs.values()].map((run) => run.info.experiment_id))]
  const main = new Map(await Promise.all(ids.map(async (experiment_id) => {
    const { metric } = await call('GET ui/experiments/metric', { experiment_id }, signal)
    const named = experiments.byId(experiment_id)?.tags.find((tag) => tag.key === 'mlflow.experiment.primaryMetric.name')?.value
    return [experiment_id, { named, usual: metric?.key }] as const
  })))
  const found = new Map<string, Champion>()
  for (const [name, version] of versions) {
    const { named, usual } = main.get(sources.runs.get(version.runId)?.info.experiment_id ?? '') ?? {}
    found.set(name, { version, value: mainValue(measuredOf(version, sources).values, named, usual) })
  }
  return found
}

/** The last change of each model, by name; those without a history are left out. */
export async function loadLastChanges(names: readonly string[], signal?: AbortSignal): Promise<Map<string, Change>> {
  const found = new Map<string, Change>()
  for (let i = 0; i < names.length; i += NAMES_AT_ONCE) {
    const { changes } = await call('POST ui/registered-models/last-changes', { names: names.slice(i, i + NAMES_AT_ONCE) }, signal)
    for (const [name, change] of Object.entries(changes)) if (change) found.set(name, changeOf(change))
  }
  return found
}
