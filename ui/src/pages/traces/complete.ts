/** What completes a filter on traces. */
import { keyText, operatorsOf, TRACE_ATTRIBUTES, valueText, type Typing } from '../../lib/filter'
import { rank } from '../../lib/match'
import type { TracesPage } from './page.svelte'

const MOST = 40
const STATES = ['OK', 'ERROR', 'IN_PROGRESS']
const TYPES = ['AGENT', 'CHAIN', 'CHAT_MODEL', 'EMBEDDING', 'EVALUATOR', 'GUARDRAIL', 'LLM', 'MEMORY', 'PARSER', 'RERANKER', 'RETRIEVER', 'TASK', 'TOOL', 'UNKNOWN', 'WORKFLOW']

export function completions(typing: Typing, page: TracesPage): readonly string[] {
  const { kind, typed, entity, key } = typing
  if (kind === 'key') return rank(keys(page), typed, (text) => text.replace(/[`"]/g, '')).slice(0, MOST)
  if (kind === 'operator') {
    const all = operatorsOf(entity, key)
    return entity === undefined || all.includes(typed) ? [] : all.filter((one) => one.startsWith(typed.toUpperCase()))
  }
  if (kind === 'join') return ['and'].filter((word) => word.startsWith(typed.toLowerCase()) && word !== typed)
  return rank(valuesOf(page, entity ?? '', key ?? ''), typed, (value) => value).map(valueText).slice(0, MOST)
}

function keys(page: TracesPage): string[] {
  const known = page.rows.known()
  const names = (kind: string) => [...new Set(known.flatMap((row) => row.assessments.flatMap((one) => (one.kind === kind ? [one.name] : []))))].sort()
  const tags = [...new Set(known.flatMap((row) => Object.keys(row.tags)))].sort()
  return [
    ...TRACE_ATTRIBUTES, 'trace.text', 'span.name', 'span.type', 'span.status',
    ...names('feedback').map((name) => keyText('feedback', name)), ...names('expectation').map((name) => keyText('expectation', name)), ...tags.map((tag) => keyText('tags', tag)),
    'metadata.`mlflow.trace.session`', 'metadata.`mlflow.trace.user`', 'metadata.`mlflow.modelId`',
  ]
}

/** Values of what was loaded: they are helpful, and not all. */
function valuesOf(page: TracesPage, entity: string, key: string): string[] {
  if ((entity === 'attributes' && key === 'status') || (entity === 'span' && key === 'status')) return STATES
  if (entity === 'span' && key === 'type') return TYPES
  const known = page.rows.known()
  const given = (values: readonly (string | undefined)[]) => [...new Set(values.filter((value) => value !== undefined && value !== ''))].sort() as string[]
  if (entity === 'attributes' && key === 'name') return given(known.map((row) => row.name))
  if (entity === 'tags') return given(known.map((row) => row.tags[key]))
  if (entity === 'metadata' && key === 'mlflow.trace.session') return given(known.map((row) => row.session))
  if (entity === 'metadata' && key === 'mlflow.trace.user') return given(known.map((row) => row.user))
  return []
}
