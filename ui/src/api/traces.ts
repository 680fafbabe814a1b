/** Traces as the server has them. */
import { signature } from '../state/user.svelte'
import { ApiError, send, urlOf } from './client'
import { spansFrom, type Span } from '../lib/spans'
import { traceFrom, type Trace } from '../lib/trace'

export interface Loaded {
  trace: Trace
  spans: readonly Span[]
  /** Why there are no spans. */
  missing?: string
}

/** A trace with all of its spans that there are. */
export async function loadTrace(trace_id: string, signal?: AbortSignal): Promise<Loaded> {
  try {
    const { trace } = (await ask('GET', 'traces/get', { trace_id, allow_partial: true }, signal)) as { trace: { trace_info: unknown; spans?: unknown } }
    const found = { trace: traceFrom(trace.trace_info), spans: spansFrom(trace.spans) }
    if (found.spans.length) return found
    return await withFile(found.trace, signal)
  } catch (error) {
    // Spans that an old client keeps in a file are not what this RPC has.
    if (!(error instanceof ApiError) || error.status === 0 || signal?.aborted) throw error
    const { trace } = (await ask('GET', `traces/${encodeURIComponent(trace_id)}`, {}, signal)) as { trace: { trace_info: unknown } }
    return await withFile(traceFrom(trace.trace_info), signal)
  }
}

/** A trace with the spans that are in a file. */
async function withFile(trace: Trace, signal?: AbortSignal): Promise<Loaded> {
  try {
    const { spans } = (await ask('GET', 'get-trace-artifact', { request_id: trace.id }, signal)) as { spans?: unknown }
    return { trace, spans: spansFrom(spans) }
  } catch (error) {
    if (signal?.aborted || !(error instanceof ApiError) || error.status === 0) throw error
    return { trace, spans: [], missing: trace.state === 'IN_PROGRESS' ? '' : error.message }
  }
}

export function assess(trace: string, assessment: Record<string, unknown>): Promise<unknown> {
  return ask('POST', `traces/${encodeURIComponent(trace)}/assessments`, { assessment: { trace_id: trace, ...assessment } })
}

/** Change the value and the rationale of an assessment. */
export function reassess(trace: string, id: string, assessment: Record<string, unknown>): Promise<unknown> {
  const mask = ['feedback', 'expectation', 'rationale'].filter((name) => name in assessment).join(',')
  return ask('PATCH', `traces/${encodeURIComponent(trace)}/assessments/${encodeURIComponent(id)}`, { assessment: { trace_id: trace, assessment_id: id, ...assessment }, update_mask: mask })
}

export function unassess(trace: string, id: string): Promise<unknown> {
  return ask('DELETE', `traces/${encodeURIComponent(trace)}/assessments/${encodeURIComponent(id)}`, {})
}

export function setTraceTag(trace: string, key: string, value: string): Promise<unknown> {
  return ask('PATCH', `traces/${encodeURIComponent(trace)}/tags`, { key, value })
}

export function deleteTraceTag(trace: string, key: string): Promise<unknown> {
  return ask('DELETE', `traces/${encodeURIComponent(trace)}/tags`, { key })
}

export function deleteTraces(experiment_id: string, ids: readonly string[]): Promise<unknown> {
  return ask('POST', 'traces/delete-traces', { experiment_id, request_ids: [...ids] })
}

async function ask(method: string, path: string, fields: Record<string, unknown>, signal?: AbortSignal): Promise<unknown> {
  const there = `ajax-api/3.0/mlflow/${path}`
  if (method === 'GET') return (await send(urlOf(there, fields), { signal, headers: { Accept: 'application/json' } })).json()
  const headers = { Accept: 'application/json', 'Content-Type': 'application/json', ...signature() }
  return (await send(urlOf(there), { method, signal, headers, body: JSON.stringify(fields) })).json()
}
