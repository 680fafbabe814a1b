/** What the page of a run makes of what the server says. */
import type { Rpcs } from '../api/types.gen'
import { number, type Spelled } from './format'
import type { Pair } from './params'

export type RawRun = Rpcs['GET 2.0/mlflow/runs/get']['response']['run']

export interface Run {
  id: string
  experiment: string
  name: string
  status: string
  running: boolean
  deleted: boolean
  start: number | undefined
  end: number | undefined
  user: string
  parent: string | undefined
  note: string
  /** Where its files are. */
  root: string
  params: Pair[]
  tags: Pair[]
  /** By key: the last value and its step. */
  metrics: ReadonlyMap<string, { value: number; step: number }>
  source: { name: string; kind: string; commit: string; branch: string; repository: string }
  datasets: Dataset[]
  /** Ids of logged models: made by it, and read by it. */
  made: { id: string; step: number }[]
  read: string[]
}

export interface Dataset {
  name: string
  digest: string
  kind: string
  source: string
  schema: string
  profile: string
  context: string
}

export function runOf(raw: RawRun): Run {
  const { info, data, inputs, outputs } = raw
  const tags = pairs(data?.tags)
  const tag = (key: string) => tags.find((one) => one.key === `mlflow.${key}`)?.value ?? ''
  return {
    id: info.run_id ?? info.run_uuid ?? '',
    experiment: info.experiment_id,
    name: info.run_name ?? '',
    status: info.status ?? '',
    running: info.status === 'RUNNING',
    deleted: info.lifecycle_stage === 'deleted',
    start: info.start_time || undefined,
    end: info.end_time || undefined,
    user: info.user_id || tag('user'),
    parent: tag('parentRunId') || undefined,
    note: tag('note.content'),
    root: info.artifact_uri ?? '',
    params: pairs(data?.params).sort((a, b) => a.key.localeCompare(b.key)),
    tags,
    metrics: new Map((data?.metrics ?? []).map((m) => [m.key ?? '', { value: number(m.value) ?? NaN, step: m.step ?? 0 }])),
    source: {
      name: tag('source.name'), kind: tag('source.type'), commit: tag('source.git.commit'), branch: tag('source.git.branch'),
      repository: tag('source.git.repoURL'),
    },
    datasets: (inputs?.dataset_inputs ?? []).map(({ dataset, tags }) => ({
      name: dataset.name, digest: dataset.digest, kind: dataset.source_type, source: sourceText(dataset.source), schema: dataset.schema ?? '',
      profile: dataset.profile ?? '', context: tags?.find((one) => one.key === 'mlflow.data.context')?.value ?? '',
    })),
    made: (outputs?.model_outputs ?? []).map((one) => ({ id: one.model_id, step: one.step })),
    read: (inputs?.model_inputs ?? []).map((one) => one.model_id),
  }
}

function pairs(list: readonly { key?: string; value?: string }[] | undefined): Pair[] {
  return (list ?? []).map(({ key = '', value = '' }) => ({ key, value }))
}

/** A source is JSON such as {"uri": "…"}. */
export function sourceText(source: string): string {
  try {
    const said = JSON.parse(source) as Record<string, unknown>
    const [first] = ['uri', 'url', 'path', 'table_name', 'tags'].flatMap((key) => (typeof said[key] === 'string' ? [said[key]] : []))
    return first ?? source
  } catch {
    return source
  }
}

/** Columns of a table: name and type. What libraries write as schemas differs. */
export function schemaFields(schema: string): { name: string; type: string }[] {
  try {
    const said = JSON.parse(schema) as Record<string, unknown>
    const list = said.mlflow_colspec ?? (said.mlflow_tensorspec as Record<string, unknown> | undefined)?.features
    if (!Array.isArray(list)) return []
    return list.map((one: Record<string, unknown>, i) => {
      const tensor = one['tensor-spec'] as { dtype?: string; shape?: unknown[] } | undefined
      return { name: String(one.name ?? i), type: tensor ? `${tensor.dtype}[${(tensor.shape ?? []).join(', ')}]` : String(one.type ?? '') }
    })
  } catch {
    return []
  }
}

/** "800 rows, 2400 values" of a profile; empty if it says nothing of the kind. */
export function profileText(profile: string): string {
  try {
    return Object.entries(JSON.parse(profile) as Record<string, unknown>)
      .filter(([, value]) => typeof value === 'number' || typeof value === 'string')
      .map(([key, value]) => `${key.replace(/^num_/, '').replaceAll('_', ' ')} ${value}`)
      .join(', ')
  } catch {
    return ''
  }
}

export function isSystem(key: string): boolean {
  return key.startsWith('system/')
}

export interface Range {
  key: string
  last: number | undefined
  min: number | undefined
  max: number | undefined
  step: number | undefined
}

/** What `ui/runs/rows` says of metrics of one run, asked for with `rangeColumns`. */
export function rangesOf(keys: readonly string[], columns: Readonly<Record<string, readonly unknown[]>>): Range[] {
  const at = (name: string) => number(columns[name]?.[0] as Spelled | null | undefined)
  return keys.map((key) => ({ key, last: at(`metrics.${key}`), min: at(`min.${key}`), max: at(`max.${key}`), step: at(`step.${key}`) }))
}

export function rangeColumns(keys: readonly string[]): string[] {
  return keys.flatMap((key) => [`metrics.${key}`, `min.${key}`, `max.${key}`, `step.${key}`])
}

/** Names of metrics: the main one first, then by name; what is measured on new data before what is measured in training. */
export function keyMetrics(keys: Iterable<string>, main: string | undefined): string[] {
  const weight = (key: string) => (key === main ? 0 : /(^|[^a-z])(test|eval|val|valid|validation)([^a-z]|$)/i.test(key) ? 1 : 2)
  return [...keys].filter((key) => !isSystem(key)).sort((a, b) => weight(a) - weight(b) || a.localeCompare(b))
}

/** A filter for the children of a run. */
export function childrenOf(run: string): string {
  return `tags.\`mlflow.parentRunId\` = '${run.replaceAll("'", '')}'`
}
