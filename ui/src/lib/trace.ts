/** A trace without its spans, and what was said about it. */
import type { Assessment as Message } from '../api/types.gen'
import { isObject, usageOf, type Usage } from './spans'

export type TraceState = 'OK' | 'ERROR' | 'IN_PROGRESS' | 'STATE_UNSPECIFIED'

export interface Assessment {
  id: string
  name: string
  kind: 'feedback' | 'expectation' | 'issue'
  value: unknown
  /** Why there is no value. */
  error: string
  /** HUMAN, LLM_JUDGE or CODE. */
  source: string
  /** Who or what it is. */
  by: string
  rationale: string
  /** Of the span that it is about; '' for the whole trace. */
  span: string
  /** Milliseconds since the epoch. */
  updated: number | undefined
  /** False once another one took its place. */
  valid: boolean
}

export interface Trace {
  id: string
  experiment: string
  clientRequest: string
  name: string
  state: TraceState
  /** Milliseconds since the epoch. */
  start: number | undefined
  /** In milliseconds; undefined while it goes on. */
  duration: number | undefined
  session: string
  user: string
  run: string
  model: string
  usage: Usage | undefined
  /** US dollars. */
  cost: number | undefined
  request: string
  response: string
  metadata: Readonly<Record<string, string>>
  tags: Readonly<Record<string, string>>
  prompts: readonly { name: string; version: string }[]
  assessments: readonly Assessment[]
}

/** A trace as RPCs answer it. */
export function traceFrom(info: unknown): Trace {
  const said = isObject(info) ? info : {}
  const metadata = texts(said.trace_metadata)
  const tags = texts(said.tags)
  const place = isObject(said.trace_location) && isObject(said.trace_location.mlflow_experiment) ? said.trace_location.mlflow_experiment : {}
  const cost = json(metadata['mlflow.trace.cost'])
  return {
    id: text(said.trace_id),
    experiment: text(place.experiment_id),
    clientRequest: text(said.client_request_id),
    name: tags['mlflow.traceName'] ?? '',
    state: (['OK', 'ERROR', 'IN_PROGRESS'] as const).find((one) => one === said.state) ?? 'STATE_UNSPECIFIED',
    start: moment(said.request_time),
    duration: milliseconds(said.execution_duration),
    session: metadata['mlflow.trace.session'] ?? '',
    user: metadata['mlflow.trace.user'] ?? '',
    run: metadata['mlflow.sourceRun'] ?? '',
    model: metadata['mlflow.modelId'] ?? '',
    usage: usageOf(json(metadata['mlflow.trace.tokenUsage'])),
    cost: isObject(cost) && typeof cost.total_cost === 'number' ? cost.total_cost : undefined,
    request: text(said.request_preview ?? said.request),
    response: text(said.response_preview ?? said.response),
    metadata,
    tags,
    prompts: promptsOf(json(tags['mlflow.linkedPrompts'])),
    assessments: (Array.isArray(said.assessments) ? said.assessments : []).map(assessmentFrom),
  }
}

export function assessmentFrom(given: unknown): Assessment {
  const said = isObject(given) ? given : {}
  const kind = isObject(said.expectation) ? 'expectation' : isObject(said.issue) ? 'issue' : 'feedback'
  const held = isObject(said[kind]) ? said[kind] : {}
  const error = isObject(held.error) ? held.error : isObject(said.error) ? said.error : undefined
  const source = isObject(said.source) ? said.source : {}
  const serialized = isObject(held.serialized_value) ? json(text(held.serialized_value.value)) : undefined
  return {
    id: text(said.assessment_id),
    name: text(said.assessment_name),
    kind,
    value: kind === 'issue' ? held.issue_name : (serialized ?? held.value),
    error: error ? [text(error.error_code), text(error.error_message)].filter((part) => part !== '').join(': ') || 'error' : '',
    source: text(source.source_type),
    by: text(source.source_id),
    rationale: text(said.rationale),
    span: spanOf(said.span_id),
    updated: moment(said.last_update_time) ?? moment(said.create_time),
    valid: said.valid !== false,
  }
}

const spanOf = (said: unknown) => text(said).replace(/^0x/, '')
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function texts(said: unknown): Record<string, string> {
  const found = Object.create(null) as Record<string, string>
  if (isObject(said)) for (const [key, value] of Object.entries(said)) found[key] = String(value)
  return found
}

function json(said: string | undefined): unknown {
  if (said === undefined || said === '') return undefined
  try {
    return JSON.parse(said) as unknown
  } catch {
    return undefined
  }
}

function promptsOf(said: unknown): { name: string; version: string }[] {
  if (!Array.isArray(said)) return []
  return said.filter(isObject).map((one) => ({ name: text(one.name), version: String(one.version ?? '') })).filter((one) => one.name !== '')
}

function moment(said: unknown): number | undefined {
  const time = typeof said === 'string' ? Date.parse(said) : NaN
  return Number.isNaN(time) ? undefined : time
}

/** "0.035s" in milliseconds. */
function milliseconds(said: unknown): number | undefined {
  const found = /^(\d+(?:\.\d+)?)s$/.exec(text(said))
  return found ? Math.round(Number(found[1]) * 1e6) / 1e3 : undefined
}

/** A value of an assessment as it is written: texts without quotes, all else as JSON. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
}

/** Whether it is good or bad, as far as a value says so by itself. */
export function toneOf({ value, error, kind }: Pick<Assessment, 'value' | 'error' | 'kind'>): 'good' | 'bad' | undefined {
  if (error || kind === 'issue') return 'bad'
  if (kind === 'expectation') return undefined
  if (value === true || /^(yes|pass|passed|correct|good)$/i.test(String(value))) return 'good'
  return value === false || /^(no|fail|failed|incorrect|bad)$/i.test(String(value)) ? 'bad' : undefined
}

/** What somebody typed as a value: true, a number, a text, or JSON for an object or list. */
export function typedValue(typed: string): unknown {
  const bare = typed.trim()
  if (/^(true|false)$/.test(bare)) return bare === 'true'
  if (bare !== '' && !Number.isNaN(Number(bare))) return Number(bare)
  if (/^[[{"]/.test(bare)) {
    try {
      return JSON.parse(bare) as unknown
    } catch {
      // a text that begins like this
    }
  }
  return typed
}

/** The message of `assessments` for a new or changed one. */
export function assessmentMessage(made: { name: string; kind: 'feedback' | 'expectation'; value: unknown; rationale: string; by: string; span: string }): Message {
  const held = made.kind === 'feedback' || typeof made.value !== 'object'
    ? { value: made.value }
    : { serialized_value: { serialization_format: 'JSON_FORMAT', value: JSON.stringify(made.value) } }
  return {
    assessment_name: made.name,
    source: { source_type: 'HUMAN', source_id: made.by || 'default' },
    ...(made.kind === 'feedback' ? { feedback: held } : { expectation: held }),
    ...(made.rationale ? { rationale: made.rationale } : {}),
    ...(made.span ? { span_id: made.span } : {}),
  }
}

/** Money: $0.0006, $12.30; '' for nothing. */
export function costText(dollars: number | undefined): string {
  if (dollars === undefined) return ''
  if (dollars === 0) return '$0'
  return dollars >= 1 ? `$${dollars.toFixed(2)}` : `$${Number(dollars.toPrecision(2))}`
}

/** A length of time, to the microsecond where it is short: 640µs, 4.2ms, 35ms, 3.2s. */
export function spanTime(ms: number, rest: (ms: number) => string): string {
  if (ms < 1) return `${Math.round(ms * 1000)}µs`
  return ms < 10 ? `${Number(ms.toFixed(1))}ms` : rest(ms)
}

export const SOURCES: Readonly<Record<string, string>> = { HUMAN: 'human', LLM_JUDGE: 'judge', CODE: 'code', AI_JUDGE: 'judge' }
