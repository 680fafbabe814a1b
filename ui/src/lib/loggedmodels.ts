/** The table of logged models: columns, and what the server is asked. */
import type { Column as Measure } from './measured'
import { quotedText } from './registry'
import type { Column, Sort } from './table'

export interface ModelColumn extends Column {
  /** Of a metric: which one, and where it was measured. */
  measure?: Measure
  param?: string
}

/** Columns that every logged model has. */
const FIXED: readonly ModelColumn[] = [
  { id: 'name', label: 'Name', width: 190, pinned: true, sortable: true, rich: true },
  { id: 'status', label: 'Status', width: 96, sortable: true, rich: true },
  { id: 'model_type', label: 'Type', width: 90, sortable: true },
  { id: 'creation_timestamp', label: 'Created', width: 100, sortable: true, down: true, rich: true },
  { id: 'run', label: 'Source run', width: 170, rich: true },
  { id: 'step', label: 'Step', width: 64, align: 'end' },
  { id: 'versions', label: 'Registered', width: 170, rich: true },
]

/** Room for a head and for a number. */
function widthOf(label: string, note: string): number {
  return Math.max(76, Math.min(260, 30 + 7.2 * label.length + (note ? 16 + 6.2 * note.length : 0)))
}

/** All columns: the fixed ones, then metrics, then params that are not the same everywhere. */
export function modelColumns(metrics: readonly Measure[], params: readonly { id: string; differs: boolean }[], everything: boolean): ModelColumn[] {
  return [
    ...FIXED,
    ...metrics.filter((measure) => everything || measure.differs).map((measure): ModelColumn => ({
      id: `metrics.${measure.id}`, label: measure.key, note: measure.dataset || undefined, title: measure.id, width: widthOf(measure.key, measure.dataset), align: 'end', sortable: true, down: true, measure,
    })),
    ...params.filter(({ differs }) => everything || differs).map(({ id }): ModelColumn => ({ id: `params.${id}`, label: id, width: widthOf(id, ''), param: id })),
  ]
}

export interface OrderBy {
  field_name: string
  ascending: boolean
  dataset_name?: string
}

/** What the server sorts by. Nothing for what it does not know: then it is newest first. */
export function orderBy(sort: Sort): OrderBy[] {
  return sort.map(({ id, down }) => {
    const [, key, dataset] = /^metrics\.(.*?)(?: on (.*))?$/.exec(id) ?? []
    return key === undefined ? { field_name: id, ascending: !down } : { field_name: `metrics.${key}`, ascending: !down, ...(dataset ? { dataset_name: dataset } : {}) }
  })
}

/** What was typed, as a filter of the server: words are looked for in names. */
export function filterOf(typed: string): string | undefined {
  const text = typed.trim()
  if (text === '') return undefined
  return /[=<>]|\s(LIKE|ILIKE|IN)\s/i.test(text) ? text : `name ILIKE ${quotedText(`%${text}%`)}`
}

/** Versions of registered models that a logged model became, as its tag says. */
export function registrations(tags: readonly { key?: string; value?: string }[]): { name: string; version: string }[] {
  try {
    const list: unknown = JSON.parse(tags.find((tag) => tag.key === 'mlflow.modelVersions')?.value ?? '[]')
    return Array.isArray(list) ? list.map((one: { name?: unknown; version?: unknown }) => ({ name: String(one.name ?? ''), version: String(one.version ?? '') })) : []
  } catch {
    return []
  }
}

/** A sort in a query: `-metrics.acc,name`. */
export function sortOf(text: string | undefined): Sort {
  return (text ?? '').split(',').filter((part) => part !== '').map((part) => (part.startsWith('-') ? { id: part.slice(1), down: true } : { id: part, down: false }))
}

export function sortText(sort: Sort): string {
  return sort.map(({ id, down }) => (down ? `-${id}` : id)).join(',')
}
