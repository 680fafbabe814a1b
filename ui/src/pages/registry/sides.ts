/** The rows of a comparison of versions. */
import type { Sources } from '../../api/registry'
import { full, moment, short } from '../../lib/format'
import { lowerIsBetter } from '../../lib/goal'
import { away, best, type Column, type Measured, type ParamColumn } from '../../lib/measured'
import type { Version } from '../../lib/registry'
import { firstLine } from '../../lib/text'
import { href } from '../../route'
import type { Cell, Row } from './Sides.svelte'

const NOTHING: Cell = { text: '' }

export function aboutRows(versions: readonly Version[], sources: Sources | undefined): Row[] {
  const rows: Row[] = [
    { name: 'registered', cells: versions.map((v) => ({ text: moment(v.created) })) },
    { name: 'run', cells: versions.map((v) => runCell(v, sources)) },
    { name: 'logged model', cells: versions.map((v) => modelCell(v, sources)) },
    { name: 'datasets', cells: versions.map((v) => ({ text: datasets(v, sources).join('\n') })) },
    { name: 'note', cells: versions.map((v) => ({ text: firstLine(v.description) })) },
    { name: 'tags', cells: versions.map((v) => ({ text: v.tags.map((t) => `${t.key}: ${t.value}`).join('\n') })) },
  ]
  return rows.filter((row) => row.cells.some((cell) => cell.text !== ''))
}

function runCell(v: Version, sources: Sources | undefined): Cell {
  if (!v.runId) return NOTHING
  const run = sources?.runs.get(v.runId)
  const link = href({ page: 'run', experiment: run?.info.experiment_id ?? '', run: v.runId, tab: 'overview', path: '' })
  return { text: run?.info.run_name || v.runId.slice(0, 8), href: link }
}

function modelCell(v: Version, sources: Sources | undefined): Cell {
  const model = sources?.models.get(v.modelId)
  if (!model) return { text: v.modelId }
  const link = href({ page: 'logged-model', experiment: model.info.experiment_id ?? '', model: v.modelId, tab: 'overview', path: '' })
  return { text: model.info.name || v.modelId, href: link }
}

function datasets(v: Version, sources: Sources | undefined): string[] {
  const inputs = sources?.runs.get(v.runId)?.inputs?.dataset_inputs ?? []
  return [...new Set(inputs.map(({ dataset }) => `${dataset.name} ${dataset.digest}`))]
}

export function metricRows(columns: readonly Column[], measured: readonly Measured[], base: number): Row[] {
  return columns.map((column) => {
    const lower = lowerIsBetter(column.key)
    const top = best(measured, column.id, lower)
    const from = measured[base]?.values.get(column.id)?.value
    return {
      name: column.key,
      note: [column.dataset && `on ${column.dataset}`, column.mixed && 'not the same data'].filter(Boolean).join(', '),
      cells: measured.map(({ version, values }, i) => {
        const value = values.get(column.id)
        const text = i === base ? '' : away(value?.value, from)
        return {
          text: short(value?.value),
          title: value && `${full(value.value)}, step ${value.step}, of the ${value.of === 'model' ? 'logged model' : 'run'}`,
          best: top.has(version),
          away: text,
          good: text.startsWith('−') === lower,
        }
      }),
    }
  })
}

export function paramRows(columns: readonly ParamColumn[], measured: readonly Measured[]): Row[] {
  return columns.map(({ id }) => ({ name: id, cells: measured.map(({ params }) => ({ text: params.get(id) ?? '' })) }))
}
