/** MLmodel files, in which a model says what it is. They may be hostile: nothing in them is followed or run. */
import { parseYaml, type Yaml } from './yaml'

/** A column of what a model takes or gives. */
export interface Field {
  name: string
  type: string
  required: boolean
}

export interface Signature {
  inputs: Field[]
  outputs: Field[]
  params: Field[]
}

export interface ModelFile {
  signature: Signature | undefined
  flavors: { name: string; version: string }[]
  size: number | undefined
  pythonVersion: string
  mlflowVersion: string
  created: string
  example: string
}

/** What an MLmodel file says; undefined if it cannot be read. */
export function modelFile(text: string): ModelFile | undefined {
  const file = record(yamlOf(text))
  if (!file) return undefined
  const flavors = Object.entries(record(file.flavors) ?? {})
  const python = record(record(file.flavors)?.python_function)
  return {
    signature: signatureOf(file.signature),
    flavors: flavors.map(([name, said]) => ({ name, version: versionIn(name, record(said)) })),
    size: typeof file.model_size_bytes === 'number' ? file.model_size_bytes : undefined,
    pythonVersion: textOf(python?.python_version),
    mlflowVersion: textOf(file.mlflow_version),
    created: textOf(file.utc_time_created),
    example: textOf(record(file.saved_input_example_info)?.artifact_path),
  }
}

function yamlOf(text: string): Yaml | undefined {
  try {
    return parseYaml(text)
  } catch {
    return undefined
  }
}

function versionIn(name: string, flavor: Record<string, Yaml> | undefined): string {
  for (const [key, value] of Object.entries(flavor ?? {})) {
    if (key.endsWith('_version') && key !== 'python_version') return textOf(value)
  }
  return name === 'python_function' ? textOf(flavor?.loader_module) : ''
}

function signatureOf(value: Yaml | undefined): Signature | undefined {
  const parts = record(value)
  return parts && { inputs: fields(parts.inputs), outputs: fields(parts.outputs), params: fields(parts.params) }
}

function fields(value: Yaml | undefined): Field[] {
  if (typeof value !== 'string') return []
  try {
    const list: unknown = JSON.parse(value)
    return Array.isArray(list) ? list.map((one, i) => field(one as Record<string, unknown>, i, list.length)) : []
  } catch {
    return []
  }
}

function field(said: Record<string, unknown>, i: number, of: number): Field {
  return {
    name: typeof said.name === 'string' ? said.name : of > 1 ? String(i) : '',
    type: typeText(said) + (said.default !== undefined && said.default !== null ? ` = ${JSON.stringify(said.default)}` : ''),
    required: said.required !== false,
  }
}

/** A type in a few letters: long, bool[-1], array<string>, {a: long}. */
export function typeText(said: Record<string, unknown>): string {
  const tensor = said['tensor-spec'] as { dtype?: string; shape?: unknown[] } | undefined
  if (said.type === 'tensor' && tensor) return `${tensor.dtype ?? ''}[${(tensor.shape ?? []).join(', ')}]`
  const inner = said.items as Record<string, unknown> | undefined
  if (said.type === 'array' && inner) return `array<${typeText(inner)}>`
  const values = said.values as Record<string, unknown> | undefined
  if (said.type === 'map' && values) return `map<${typeText(values)}>`
  const properties = said.properties as Record<string, Record<string, unknown>> | undefined
  if (said.type === 'object' && properties) {
    return `{${Object.entries(properties).map(([key, type]) => `${key}: ${typeText(type)}`).join(', ')}}`
  }
  return typeof said.type === 'string' ? said.type : 'any'
}

function record(value: Yaml | undefined): Record<string, Yaml> | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : undefined
}

function textOf(value: Yaml | undefined): string {
  return value === null || value === undefined || typeof value === 'object' ? '' : String(value)
}

export interface SignatureRow {
  /** "takes tenure", "gives 0". */
  what: string
  /** The type in each of the models; undefined where there is no such field. */
  types: (string | undefined)[]
  differs: boolean
}

/** The signatures of several models side by side; undefined stands for a model without one. */
export function signatureRows(all: readonly (Signature | undefined)[]): SignatureRow[] {
  const names = { inputs: 'takes', outputs: 'gives', params: 'param' } as const
  const rows = new Map<string, (string | undefined)[]>()
  for (const part of ['inputs', 'outputs', 'params'] as const) {
    all.forEach((signature, i) => {
      for (const field of signature?.[part] ?? []) {
        const what = `${names[part]} ${field.name}`.trim()
        const types = rows.get(what) ?? Array.from<string | undefined>({ length: all.length })
        types[i] = field.type + (field.required ? '' : ', optional')
        rows.set(what, types)
      }
    })
  }
  return [...rows].map(([what, types]) => ({ what, types, differs: new Set(types).size > 1 }))
}
