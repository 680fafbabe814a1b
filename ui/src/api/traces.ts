/** Traces as the server has them. */
import { ApiError, call, send, urlOf } from './client'
import type { Assessment, ChangedAssessment } from './types.gen'
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
    const { trace } = await call('GET 3.0/mlflow/traces/get', { trace_id, allow_partial: true }, signal)
    const found = { trace: traceFrom(trace.trace_info), spans: spansFrom(trace.spans) }
    if (found.spans.length) return found
    return await withFile(found.trace, signal)
  } catch (error) {
    // Spans that an old client keeps in a file are not what this RPC has.
    if (!(error instanceof ApiError) || error.status === 0 || signal?.aborted) throw error
    const { trace } = await call('GET 3.0/mlflow/traces/{trace_id}', { trace_id }, signal)
    return await withFile(traceFrom(trace.trace_info), signal)
  }
}

/** A trace with the spans that are in a file. */
async function withFile(trace: Trace, signal?: AbortSignal): Promise<Loaded> {
  try {
    const url = urlOf('ajax-api/3.0/mlflow/get-trace-artifact', { request_id: trace.id })
    const { spans } = (await (await send(url, { signal })).json()) as { spans?: unknown }
    return { trace, spans: spansFrom(spans) }
  } catch (error) {
    if (signal?.aborted || !(error instanceof ApiError) || error.status === 0) throw error
    return { trace, spans: [], missing: trace.state === 'IN_PROGRESS' ? '' : error.message }
  }
}

export function assess(trace_id: string, assessment: Assessment): Promise<unknown> {
  return call('POST 3.0/mlflow/traces/{trace_id}/assessments', { trace_id, assessment: { trace_id, ...assessment } })
}

/** Change the value and the rationale of an assessment. */
export function reassess(trace_id: string, assessment_id: string, changed: Pick<ChangedAssessment, 'feedback' | 'expectation' | 'rationale'>): Promise<unknown> {
  const update_mask = Object.keys(changed).join(',')
  return call('PATCH 3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}', { trace_id, assessment_id, assessment: { trace_id, assessment_id, ...changed }, update_mask })
}

export function unassess(trace_id: string, assessment_id: string): Promise<unknown> {
  return call('DELETE 3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}', { trace_id, assessment_id })
}

export function setTraceTag(trace_id: string, key: string, value: string): Promise<unknown> {
  return call('PATCH 3.0/mlflow/traces/{trace_id}/tags', { trace_id, key, value })
}

export function deleteTraceTag(trace_id: string, key: string): Promise<unknown> {
  return call('DELETE 3.0/mlflow/traces/{trace_id}/tags', { trace_id, key })
}

export function deleteTraces(experiment_id: string, ids: readonly string[]): Promise<unknown> {
  return call('POST 3.0/mlflow/traces/delete-traces', { experiment_id, request_ids: [...ids] })
}
