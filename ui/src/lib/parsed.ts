/** What a text is, read as the kind of file it is in. */
import type { Kind } from './artifacts'
import { parseCsv } from './csv'
import { parseYaml } from './yaml'

export type Parsed =
  | { as: 'table'; head: string[]; rows: unknown[][] }
  | { as: 'tree'; value: unknown }
  | { as: 'markdown' }
  /** It cannot be read so; the text itself is to be shown. */
  | { as: 'text'; why: string }

/** @param whole Whether the text is all of the file. */
export function parsed(kind: Kind, text: string, whole: boolean): Parsed {
  try {
    switch (kind) {
      case 'csv':
      case 'tsv':
        return table(parseCsv(text, kind === 'csv' ? separatorOf(text) : '\t', whole))
      case 'json':
        return whole ? json(text) : { as: 'text', why: 'Only a part of this JSON is here, so it is shown as text.' }
      case 'jsonl':
        return lines(text, whole)
      case 'yaml':
      case 'model':
        return whole ? { as: 'tree', value: parseYaml(text) } : { as: 'text', why: 'Only a part of this YAML is here, so it is shown as text.' }
      case 'markdown':
        return { as: 'markdown' }
    }
  } catch (error) {
    return { as: 'text', why: `This is no valid ${kind === 'yaml' || kind === 'model' ? 'YAML' : 'JSON'}: ${error instanceof Error ? error.message : String(error)}` }
  }
  return { as: 'text', why: '' }
}

/** Some programs write semicolons where the comma is for decimals. */
function separatorOf(text: string): string {
  const line = text.slice(0, text.search(/[\r\n]|$/))
  return !line.includes(',') && line.includes(';') ? ';' : ','
}

function table(rows: string[][]): Parsed {
  const [head = [], ...rest] = rows
  return { as: 'table', head, rows: rest }
}

function json(text: string): Parsed {
  const value: unknown = JSON.parse(text)
  return asTable(value) ?? { as: 'tree', value }
}

/** What `log_table` and pandas (orient "split") write: columns and rows. */
function asTable(value: unknown): Parsed | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { columns, data } = value as { columns?: unknown; data?: unknown }
  if (!Array.isArray(columns) || !Array.isArray(data) || columns.length === 0) return undefined
  if (!columns.every((name) => typeof name === 'string' || typeof name === 'number') || !data.every(Array.isArray)) return undefined
  return { as: 'table', head: columns.map(String), rows: data as unknown[][] }
}

/** JSON by lines: a table if all are objects without levels, else a list. */
function lines(text: string, whole: boolean): Parsed {
  const all = text.split('\n')
  if (!whole) all.pop()
  const values = all.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as unknown)
  const keys = new Set<string>()
  for (const value of values) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { as: 'tree', value: values }
    for (const key of Object.keys(value)) keys.add(key)
  }
  if (values.length === 0 || keys.size > 200) return { as: 'tree', value: values }
  const head = [...keys]
  return { as: 'table', head, rows: values.map((value) => head.map((key) => (value as Record<string, unknown>)[key])) }
}
