/** Logged models of a run, and versions of registered models that came from it. */
import { call } from '../../api/client'
import { resource, type Resource } from '../../api/resource.svelte'
import type { Rpcs } from '../../api/types.gen'
import type { Run } from '../../lib/run'

export type LoggedModel = Rpcs['GET 2.0/mlflow/logged-models/{model_id}']['response']['model']
export type Version = NonNullable<Rpcs['GET 2.0/mlflow/model-versions/search']['response']['model_versions']>[number]

export interface ModelsOfRun {
  made: { model: LoggedModel; step: number | undefined; versions: Version[] }[]
  /** Versions made of its files, or of what is not known to be a logged model of it. */
  versions: Version[]
}

/** To be called while a component is made. */
export function modelsOf(run: () => Run): Resource<ModelsOfRun> {
  return resource(
    () => ({ id: run().id, experiment: run().experiment, made: run().made }),
    async ({ id, experiment, made }, signal) => {
      const [found, versions] = await Promise.all([
        call('POST 2.0/mlflow/logged-models/search', { experiment_ids: [experiment], filter: `source_run_id = '${id}'`, max_results: 100 }, signal),
        versionsWhere(`run_id = '${id}'`, signal),
      ])
      const left = new Set(versions)
      const models = (found.models ?? []).map((model) => {
        const own = [...left].filter((version) => isOf(version, model.info.model_id))
        for (const version of own) left.delete(version)
        return { model, step: made.find((one) => one.id === model.info.model_id)?.step, versions: own }
      })
      return { made: models, versions: [...left] }
    },
  )
}

/** Versions that fit a filter, with their aliases: a search does not tell them. */
export async function versionsWhere(filter: string, signal: AbortSignal): Promise<Version[]> {
  const { model_versions: found = [] } = await call('GET 2.0/mlflow/model-versions/search', { filter, max_results: 200 }, signal)
  const names = [...new Set(found.map((version) => version.name ?? ''))].slice(0, 10)
  const models = await Promise.all(names.map((name) => call('GET 2.0/mlflow/registered-models/get', { name }, signal)))
  return found.map((version) => {
    const model = models.find((one) => one.registered_model.name === version.name)?.registered_model
    return { ...version, aliases: (model?.aliases ?? []).flatMap((one) => (one.version === version.version && one.alias ? [one.alias] : [])) }
  })
}

export function isOf(version: Version, model: string): boolean {
  return version.model_id === model || version.source === `models:/${model}` || (version.source ?? '').includes(`/${model}/`)
}
