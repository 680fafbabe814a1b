/** The spans of a trace: read from what the server says, and put into a tree. */

export interface SpanEvent {
  name: string
  /** Milliseconds since the trace began. */
  time: number
  attributes: Readonly<Record<string, unknown>>
}

export interface Span {
  /** Hexadecimal. */
  id: string
  parent: string | undefined
  name: string
  /** Such as LLM; UNKNOWN where nothing is said. */
  type: string
  /** Milliseconds since the trace began, with fractions. */
  start: number
  /** Undefined while it goes on. */
  end: number | undefined
  state: 'ok' | 'error' | 'unset'
  /** What went wrong, in a line. */
  message: string
  inputs: unknown
  outputs: unknown
  /** Without those that are above, and those that only say where the span belongs. */
  attributes: Readonly<Record<string, unknown>>
  events: readonly SpanEvent[]
  /** Other traces that it names. */
  links: readonly { trace: string; span: string }[]
}

/** Spans in the order of a tree: each right before those below it. */
export interface SpanTree {
  spans: readonly Span[]
  /** How many ancestors each has. */
  depth: readonly number[]
  /** The place after the last one below it. */
  end: readonly number[]
  /** The place of its parent; -1 for those at the top. */
  parent: readonly number[]
  /** Of the whole trace, in milliseconds since it began. */
  duration: number
}

type Loose = Readonly<Record<string, unknown>>

/** Said by the rest of the page, or of no use to a reader. */
const OWN = new Set(['mlflow.traceRequestId', 'mlflow.spanType', 'mlflow.spanInputs', 'mlflow.spanOutputs', 'mlflow.experimentId'])

/** Spans from JSON: OpenTelemetry's, as traces/get answers and as files of traces have it. What is no span is left out. */
export function spansFrom(said: unknown): Span[] {
  const given = (Array.isArray(said) ? said : []).filter(isObject)
  const times = given.flatMap((one) => nanos(one.start_time_unix_nano ?? one.start_time) ?? [])
  const first = times.reduce((least, time) => (time < least ? time : least), times[0] ?? 0n)
  return given.map((one, i) => spanFrom(one, first, i))
}

function spanFrom(one: Loose, first: bigint, i: number): Span {
  const attributes = attributesFrom(one.attributes)
  const context = isObject(one.context) ? one.context : {}
  const start = nanos(one.start_time_unix_nano ?? one.start_time)
  const end = nanos(one.end_time_unix_nano ?? one.end_time)
  const status = isObject(one.status) ? one.status : {}
  const code = String(status.code ?? one.status_code ?? '')
  const rest = Object.entries(attributes).filter(([key]) => !OWN.has(key))
  return {
    id: hexOf(one.span_id ?? context.span_id) || `span-${i}`,
    parent: hexOf(one.parent_span_id ?? one.parent_id) || undefined,
    name: typeof one.name === 'string' && one.name !== '' ? one.name : '(no name)',
    type: typeof attributes['mlflow.spanType'] === 'string' ? attributes['mlflow.spanType'] : 'UNKNOWN',
    start: start === undefined ? 0 : since(start, first),
    end: end ? since(end, first) : undefined,
    state: /ERROR/.test(code) || code === '2' ? 'error' : /OK/.test(code) || code === '1' ? 'ok' : 'unset',
    message: String(status.message ?? one.status_message ?? ''),
    inputs: attributes['mlflow.spanInputs'],
    outputs: attributes['mlflow.spanOutputs'],
    attributes: Object.fromEntries(rest),
    events: (Array.isArray(one.events) ? one.events : []).filter(isObject).map((event) => {
      const time = nanos(event.time_unix_nano ?? event.timestamp)
      return { name: String(event.name ?? ''), time: time === undefined ? 0 : since(time, first), attributes: attributesFrom(event.attributes) }
    }),
    links: (Array.isArray(one.links) ? one.links : []).filter(isObject).map((link) => ({ trace: traceId(link.trace_id), span: hexOf(link.span_id) })),
  }
}

/** Milliseconds between two moments in nanoseconds. */
const since = (time: bigint, first: bigint) => Number(time - first) / 1e6

/** Nanoseconds since the epoch, from a number or a text; undefined for neither. */
function nanos(said: unknown): bigint | undefined {
  if (typeof said === 'number' && Number.isFinite(said)) return BigInt(Math.round(said))
  return typeof said === 'string' && /^\d{1,19}$/.test(said) ? BigInt(said) : undefined
}

/** Attributes as OpenTelemetry lists them, or as an object whose values are JSON. */
function attributesFrom(said: unknown): Record<string, unknown> {
  const found = Object.create(null) as Record<string, unknown>
  if (Array.isArray(said)) {
    for (const one of said) if (isObject(one)) found[String(one.key)] = plain(one.value)
  } else if (isObject(said)) {
    for (const [key, value] of Object.entries(said)) found[key] = typeof value === 'string' ? parsed(value) : value
  }
  return found
}

/** The value that an AnyValue stands for. */
export function plain(value: unknown): unknown {
  if (!isObject(value)) return value
  if ('string_value' in value) return value.string_value
  if ('int_value' in value) return Number(value.int_value)
  if ('double_value' in value) return typeof value.double_value === 'string' ? Number(value.double_value) : value.double_value
  if ('bool_value' in value) return value.bool_value
  if ('bytes_value' in value) return value.bytes_value
  if (isObject(value.array_value)) return listOf(value.array_value.values).map(plain)
  if (isObject(value.kvlist_value)) {
    const found = Object.create(null) as Record<string, unknown>
    for (const pair of listOf(value.kvlist_value.values)) if (isObject(pair)) found[String(pair.key)] = plain(pair.value)
    return found
  }
  return null
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

export function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An id in hexadecimal, from base64, or from hexadecimal with or without 0x; '' for none. */
function hexOf(said: unknown): string {
  if (typeof said !== 'string' || said === '') return ''
  if (/^(0x)?([0-9a-f]{16}|[0-9a-f]{32})$/i.test(said)) return said.replace(/^0x/i, '').toLowerCase()
  try {
    return [...atob(said)].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('')
  } catch {
    return said
  }
}

function traceId(said: unknown): string {
  const text = String(said ?? '')
  return text.startsWith('tr-') ? text : `tr-${hexOf(text)}`
}

/** Spans as a tree, siblings by when they began. Those whose parent is not there, or is below them, are at the top. */
export function treeOf(all: readonly Span[]): SpanTree {
  const byId = new Map(all.map((span) => [span.id, span]))
  const below = new Map<Span | undefined, Span[]>()
  for (const span of all) {
    const parent = span.parent === undefined ? undefined : byId.get(span.parent)
    const key = parent === span ? undefined : parent
    const list = below.get(key)
    if (list) list.push(span)
    else below.set(key, [span])
  }
  const order: Span[] = []
  const depth: number[] = []
  const parents: number[] = []
  const seen = new Set<Span>()
  const walk = (tops: readonly Span[]) => {
    const stack = sorted(tops).reverse().map((span) => ({ span, deep: 0, parent: -1 }))
    for (let one = stack.pop(); one; one = stack.pop()) {
      if (seen.has(one.span)) continue
      seen.add(one.span)
      const at = order.length
      order.push(one.span)
      depth.push(one.deep)
      parents.push(one.parent)
      for (const child of sorted(below.get(one.span) ?? NONE).reverse()) stack.push({ span: child, deep: one.deep + 1, parent: at })
    }
  }
  walk(below.get(undefined) ?? NONE)
  for (const span of all) if (!seen.has(span)) walk([span]) // in a ring
  const end = order.map((_, i) => i + 1)
  for (let i = order.length - 1; i >= 0; i--) {
    const parent = parents[i] ?? -1
    if (parent >= 0) end[parent] = Math.max(end[parent] ?? 0, end[i] ?? 0)
  }
  const duration = order.reduce((most, span) => Math.max(most, span.end ?? span.start), 0)
  return { spans: order, depth, end, parent: parents, duration }
}

const NONE: readonly Span[] = []
const sorted = (spans: readonly Span[]) => [...spans].sort((a, b) => a.start - b.start)

/** Places of the spans that are shown, where those below the closed ones are not. */
export function shownOf(tree: SpanTree, closed: ReadonlySet<string>): number[] {
  const found: number[] = []
  for (let at = 0; at < tree.spans.length; ) {
    found.push(at)
    at = closed.has(tree.spans[at]?.id ?? '') ? (tree.end[at] ?? at + 1) : at + 1
  }
  return found
}

/** Places of the spans above one, the topmost first. */
export function above(tree: SpanTree, at: number): number[] {
  const found: number[] = []
  for (let up = tree.parent[at] ?? -1; up >= 0; up = tree.parent[up] ?? -1) found.unshift(up)
  return found
}

/** How long a span lasted in milliseconds; of one that goes on, until the end of the trace. */
export function lengthOf(tree: SpanTree, at: number): number {
  const span = tree.spans[at]
  return span ? Math.max(0, (span.end ?? tree.duration) - span.start) : 0
}

/** A stretch of time in which a span alone kept the trace from ending. */
export interface Stretch {
  at: number
  from: number
  to: number
}

/** What the time went into: from the end backwards, always the span that ended last. Stretches in order of time. */
export function criticalPath(tree: SpanTree): Stretch[] {
  const children: number[][] = tree.spans.map(() => [])
  let top = -1
  for (const [at, parent] of tree.parent.entries()) {
    if (parent >= 0) children[parent]?.push(at)
    else if (top < 0 || endOf(tree, at) > endOf(tree, top)) top = at
  }
  if (top < 0) return []
  const found: Stretch[] = []
  const left = [{ at: top, until: endOf(tree, top) }]
  for (let one = left.pop(); one; one = left.pop()) {
    const start = tree.spans[one.at]?.start ?? 0
    let to = one.until
    for (const child of (children[one.at] ?? []).sort((a, b) => endOf(tree, b) - endOf(tree, a))) {
      const begin = Math.max(start, tree.spans[child]?.start ?? 0)
      const end = Math.min(to, endOf(tree, child))
      if (end <= begin) continue
      if (to > end) found.push({ at: one.at, from: end, to })
      left.push({ at: child, until: end })
      to = begin
    }
    if (to > start) found.push({ at: one.at, from: start, to })
  }
  return found.sort((a, b) => a.from - b.from)
}

const endOf = (tree: SpanTree, at: number) => (tree.spans[at]?.start ?? 0) + lengthOf(tree, at)

/** Places of spans in whose name, type, inputs, outputs or attributes a text occurs; capitals count as small letters. */
export function matching(tree: SpanTree, text: string): ReadonlySet<number> {
  const wanted = text.trim().toLowerCase()
  const found = new Set<number>()
  if (wanted === '') return found
  for (const [at, span] of tree.spans.entries()) {
    const all = `${span.name}\n${span.type}\n${span.message}\n${JSON.stringify([span.inputs, span.outputs, span.attributes])}`
    if (all.toLowerCase().includes(wanted)) found.add(at)
  }
  return found
}

/** Tokens that a model read and wrote; undefined where nothing is said. */
export interface Usage {
  input: number
  output: number
  total: number
}

export function usageOf(said: unknown): Usage | undefined {
  if (!isObject(said)) return undefined
  const input = Number(said.input_tokens ?? 0) || 0
  const output = Number(said.output_tokens ?? 0) || 0
  const total = Number(said.total_tokens ?? input + output) || 0
  return total > 0 ? { input, output, total } : undefined
}
