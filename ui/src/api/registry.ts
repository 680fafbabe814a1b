/** The registry, as its pages need it: versions with where they stand, and what their runs and logged models measured. */
import { modelOfSource, quotedText, type Policy, type Version } from '../lib/registry'
import { measured, type Measured } from '../lib/measured'
import type { RawChange } from '../lib/trail'
import type { Entry } from '../lib/artifacts'
import { head, list, UNASKED, type Source } from './artifacts'
import { ApiError, call } from './client'
import type { LoggedModel, ModelVersion, RegisteredModel, Run, StageRequest, Tag } from './types.gen'

export interface Model {
  name: string
  description: string
  created: number
  updated: number
  tags: { key: string; value: string }[]
  aliases: { alias: string; version: string }[]
  /** The newest of each stage. */
  latest: Version[]
}

/** What versions come from, by the ids of runs and logged models. */
export interface Sources {
  runs: ReadonlyMap<string, Run>
  models: ReadonlyMap<string, LoggedModel>
}

/** A search finds prompts only if it asks for them. */
const PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"
const RUNS_AT_ONCE = 100
const MODELS_AT_ONCE = 50

export function tagsOf(tags: readonly Tag[] | undefined): { key: string; value: string }[] {
  return (tags ?? []).map(({ key, value }) => ({ key: key ?? '', value: value ?? '' }))
}

export function versionOf(v: ModelVersion, aliases?: readonly { alias: string; version: string }[]): Version {
  return {
    name: v.name ?? '',
    version: v.version ?? '',
    stage: v.current_stage ?? 'None',
    aliases: (aliases ? aliases.filter((a) => a.version === v.version).map((a) => a.alias) : [...(v.aliases ?? [])]).sort(),
    description: v.description ?? '',
    source: v.source ?? '',
    runId: v.run_id ?? '',
    modelId: v.model_id || modelOfSource(v.source ?? ''),
    created: v.creation_timestamp ?? 0,
    updated: v.last_updated_timestamp ?? 0,
    status: v.status ?? 'READY',
    statusMessage: v.status_message ?? '',
    tags: tagsOf(v.tags),
  }
}

export function modelOf(m: RegisteredModel): Model {
  const aliases = (m.aliases ?? []).map(({ alias, version }) => ({ alias: alias ?? '', version: version ?? '' }))
  return {
    name: m.name ?? '',
    description: m.description ?? '',
    created: m.creation_timestamp ?? 0,
    updated: m.last_updated_timestamp ?? 0,
    tags: tagsOf(m.tags),
    aliases,
    latest: (m.latest_versions ?? []).map((v) => versionOf(v, aliases)),
  }
}

/** Every registered model that is no prompt; or every prompt. */
export async function loadModels(signal?: AbortSignal, prompts = false): Promise<Model[]> {
  const filter = prompts ? PROMPTS : undefined
  const all: Model[] = []
  let page_token: string | undefined
  do {
    const page = await call('GET 2.0/mlflow/registered-models/search', { filter, max_results: 1000, page_token }, signal)
    all.push(...(page.registered_models ?? []).map(modelOf))
    page_token = page.next_page_token
  } while (page_token)
  return all
}

export async function loadModel(name: string, signal?: AbortSignal): Promise<Model> {
  return modelOf((await call('GET 2.0/mlflow/registered-models/get', { name }, signal)).registered_model)
}

export interface Whole {
  model: Model
  /** Newest first. */
  versions: Version[]
}

/** A model with all its versions; or a prompt. */
export async function loadWhole(name: string, signal?: AbortSignal, prompt = false): Promise<Whole> {
  const filter = `name = ${quotedText(name)}${prompt ? ` AND ${PROMPTS}` : ''}`
  const [model, page] = await Promise.all([loadModel(name, signal), call('GET 2.0/mlflow/model-versions/search', { filter }, signal)])
  const versions = (page.model_versions ?? []).filter((v) => v.name === name).map((v) => versionOf(v, model.aliases))
  return { model, versions: versions.sort((a, b) => Number(b.version) - Number(a.version)) }
}

/** The runs and logged models of versions: two requests for up to 50 of them. */
export async function loadSources(versions: readonly Pick<Version, 'runId' | 'modelId'>[], signal?: AbortSignal): Promise<Sources> {
  const runs = new Map<string, Run>()
  for (const ids of chunks(unique(versions.map((v) => v.runId)), RUNS_AT_ONCE)) {
    const found = await call('POST ui/runs/get', { run_ids: ids }, signal)
    for (const run of found.runs) runs.set(run.info.run_id ?? '', run)
  }
  const models = new Map<string, LoggedModel>()
  // A logged model is in the experiment of its run; where it has none, it is asked for by itself.
  const experiment_ids = unique([...runs.values()].map((run) => run.info.experiment_id))
  const ids = unique(versions.map((v) => v.modelId))
  for (const some of chunks(ids, MODELS_AT_ONCE)) {
    if (experiment_ids.length === 0) break
    const filter = `model_id IN (${some.map(quotedText).join(', ')})`
    const page = await call('POST 2.0/mlflow/logged-models/search', { experiment_ids, filter, max_results: MODELS_AT_ONCE }, signal)
    for (const model of page.models ?? []) models.set(model.info.model_id, model)
  }
  await Promise.all(ids.filter((id) => !models.has(id)).slice(0, MODELS_AT_ONCE).map(async (model_id) => {
    const found = await orNothing(call('GET 2.0/mlflow/logged-models/{model_id}', { model_id }, signal))
    if (found) models.set(model_id, found.model)
  }))
  return { runs, models }
}

/** What a version was measured with. */
export function measuredOf(version: Pick<Version, 'version' | 'runId' | 'modelId'>, sources: Sources | undefined): Measured {
  return measured(version.version, sources?.runs.get(version.runId)?.data, sources?.models.get(version.modelId)?.data)
}

/** Every change of a model, or of one version, oldest first; undefined if the registry keeps no history. */
export async function loadTrail(name: string, version: string | undefined, signal?: AbortSignal): Promise<RawChange[] | undefined> {
  const all: RawChange[] = []
  let page_token: string | undefined
  do {
    const page = await kept(call('GET 3.0/mlflow/registered-models/history', { name, version, page_token }, signal))
    if (!page) return undefined
    all.push(...(page.changes ?? []))
    page_token = page.next_page_token
  } while (page_token)
  return all
}

export interface Approval {
  policies: Policy[]
  /** Oldest first. */
  requests: StageRequest[]
}

/** Rules for stages, and who asked for what; nothing where the registry keeps none. */
export async function loadApproval(name: string, signal?: AbortSignal): Promise<Approval | undefined> {
  const [rules, asked] = await Promise.all([
    kept(call('GET 3.0/mlflow/registered-models/stage-policies', { name }, signal)),
    kept(call('GET 3.0/mlflow/model-versions/stage-requests', { name }, signal)),
  ])
  if (!rules || !asked) return undefined
  const policies = (rules.stage_policies ?? []).map(({ stage, reviewers = 0, requirement = '' }) => ({ stage, reviewers, requirement }))
  return { policies, requests: asked.stage_requests ?? [] }
}

/** Where a version's files are: a folder of a run, or a logged model. */
export interface Files {
  source: Source
  folder: string
  entries: readonly Entry[]
}

/** The files of a version; undefined if they are elsewhere, where only the SDK gets them from. */
export async function loadFiles(version: Pick<Version, 'source' | 'modelId' | 'runId'>, artifactRoot: string, signal?: AbortSignal): Promise<Files | undefined> {
  const at = placeOf(version, artifactRoot)
  if (!at) return undefined
  const { entries } = await list(at.source, at.folder, signal)
  return { ...at, entries }
}

/** The same without asking what is there. */
export function placeOf(version: Pick<Version, 'source' | 'modelId' | 'runId'>, artifactRoot: string): { source: Source; folder: string } | undefined {
  if (version.modelId) return { source: { model_id: version.modelId }, folder: '' }
  const named = /^runs:\/([^/]+)\/?(.*)$/.exec(version.source)
  if (named) return { source: { run_id: named[1] ?? '' }, folder: bare(named[2] ?? '') }
  if (artifactRoot && `${version.source}/`.startsWith(`${artifactRoot}/`)) {
    return { source: { run_id: version.runId }, folder: bare(version.source.slice(artifactRoot.length + 1)) }
  }
  return undefined
}

function bare(path: string): string {
  return path.replace(/\/+$/, '')
}

/** The text of one of the files; undefined if there is none of that name. What is longer than 256 kB is cut. */
export async function readText({ source, entries }: Files, name: string, signal?: AbortSignal): Promise<string | undefined> {
  const entry = entries.find((one) => one.name === name && !one.folder)
  return entry && new TextDecoder().decode((await head(source, entry.path, UNASKED, entry.size, signal)).bytes)
}

/** What a registry that keeps it says; undefined from one that does not, such as a folder. */
async function kept<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && (error.code === 'NOT_IMPLEMENTED' || error.status === 501)) return undefined
    throw error
  }
}

async function orNothing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values.filter((value) => value !== ''))]
}

function chunks<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) => values.slice(i * size, (i + 1) * size))
}
