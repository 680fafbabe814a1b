/** The language of filters, as far as a box to type it in needs to know it. The server has the last word. */

export type Entity = 'metrics' | 'params' | 'tags' | 'attributes' | 'dataset' | 'metadata' | 'span' | 'feedback' | 'expectation' | 'issue'

/** What can be searched for in a table. */
export interface Language {
  /** By the words that stand before a dot. */
  entities: Readonly<Record<string, Entity>>
  /** What has no dot. */
  attributes: ReadonlySet<string>
}

interface Token {
  kind: 'key' | 'operator' | 'value' | 'join' | 'open' | 'close' | 'comma'
  text: string
  from: number
  to: number
  /** A quote that is not closed. */
  torn?: boolean
}

/** What is being typed at the caret; `from` to `to` is what a completion replaces. */
export interface Typing {
  kind: 'key' | 'operator' | 'value' | 'join'
  from: number
  to: number
  /** What is there already, without quotes. */
  typed: string
  /** Of the comparison that an operator or a value belongs to. */
  entity?: Entity
  key?: string
}

const ENTITIES: Readonly<Record<string, Entity>> = {
  metric: 'metrics', metrics: 'metrics', param: 'params', params: 'params', parameter: 'params', parameters: 'params',
  tag: 'tags', tags: 'tags', attr: 'attributes', attribute: 'attributes', attributes: 'attributes', run: 'attributes',
  dataset: 'dataset', datasets: 'dataset',
}
const TRACE_ENTITIES: Readonly<Record<string, Entity>> = {
  tag: 'tags', tags: 'tags', attribute: 'attributes', attributes: 'attributes', trace: 'attributes', metadata: 'metadata', request_metadata: 'metadata',
  span: 'span', feedback: 'feedback', expectation: 'expectation', issue: 'issue',
}

/** What runs have, and can be searched by. */
export const ATTRIBUTES = ['status', 'run_name', 'user_id', 'start_time', 'end_time', 'run_id', 'artifact_uri'] as const
export const RUNS: Language = { entities: ENTITIES, attributes: new Set<string>([...ATTRIBUTES, 'name', 'run name', 'created', 'Created']) }
/** What traces have, and can be searched by. */
export const TRACE_ATTRIBUTES = ['status', 'name', 'execution_time_ms', 'timestamp_ms', 'end_time_ms', 'run_id', 'request_id', 'client_request_id', 'prompt'] as const
export const TRACES: Language = {
  entities: TRACE_ENTITIES,
  attributes: new Set<string>([...TRACE_ATTRIBUTES, 'timestamp', 'execution_time', 'end_time']),
}
const DATASETS = ['dataset.name', 'dataset.digest', 'dataset.context'] as const
export const STATES = ['RUNNING', 'FINISHED', 'FAILED', 'KILLED', 'SCHEDULED'] as const

const SPACE = /\s+/y
const SYMBOL = /!=|<>|>=|<=|==|=|<|>/y
const QUOTED = /(["'`])(?:(?!\1).)*\1?/y
const WORD = /(?:[^\s"'`(),=<>!]|!(?!=))+/y
/** A key with a quoted part: metrics."a b". */
const KEY = /(?:[A-Za-z]+\.)(["`])(?:(?!\1).)*\1?/y
const OPERATORS = /^(?:like|ilike|in|is|not|rlike|between)$/i

/** Words of a filter, with what they are where they stand. */
function tokens(text: string): Token[] {
  const found: Token[] = []
  let at = 0
  let expects: 'key' | 'operator' | 'value' | 'join' = 'key'
  let depth = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  const push = (kind: Token['kind'], word: string, torn = false) => {
    found.push({ kind, text: word, from: at, to: at + word.length, torn })
    at += word.length
  }
  while (at < text.length) {
    const space = match(SPACE)
    if (space) {
      at += space.length
      continue
    }
    const symbol = match(SYMBOL)
    if (symbol) {
      push('operator', symbol)
      expects = 'value'
      continue
    }
    const letter = text[at] ?? ''
    if ('(),'.includes(letter)) {
      push(letter === '(' ? 'open' : letter === ')' ? 'close' : 'comma', letter)
      if (letter === '(') depth += 1
      if (letter === ')') depth -= 1
      expects = letter === ')' ? 'join' : expects
      continue
    }
    const key = expects === 'key' ? match(KEY) : undefined
    const word = key ?? match(QUOTED) ?? match(WORD) ?? letter
    const torn = isTorn(word)
    if (!key && /^(and|or)$/i.test(word) && expects !== 'value') {
      push('join', word)
      expects = 'key'
    } else if (!key && OPERATORS.test(word) && (expects === 'operator' || found.at(-1)?.kind === 'operator')) {
      push('operator', word)
      expects = 'value'
    } else if (expects === 'key') {
      push('key', word, torn)
      expects = 'operator'
    } else if (expects === 'value') {
      push('value', word, torn)
      expects = depth > 0 && found.some((one) => one.kind === 'open') ? 'value' : 'join'
    } else {
      // two words one after the other: no comparison
      push('key', word, torn)
      expects = 'operator'
    }
  }
  return found
}

function isTorn(word: string): boolean {
  const quote = /^(?:[A-Za-z]+\.)?(["'`])/.exec(word)?.[1]
  return quote !== undefined && (word.split(quote).length - 1) % 2 === 1
}

/** A name as it is written in a filter: quoted where it must be. */
export function keyText(entity: Entity, key: string): string {
  if (entity === 'attributes') return key
  return `${entity}.${/^[A-Za-z_][\w.]*$/.test(key) ? key : key.includes('`') ? `"${key}"` : `\`${key}\``}`
}

/** A text as it is written in a filter. */
export function valueText(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`
}

/** What a key in a filter is of; undefined if it is nothing that filters know. */
export function keyOf(text: string, language = RUNS): { entity: Entity; key: string } | undefined {
  const bare = text.replace(/^(["`])(.*)\1$/, '$2')
  if (language.attributes.has(bare)) return { entity: 'attributes', key: bare }
  const dot = text.indexOf('.')
  const entity = dot < 0 ? undefined : language.entities[text.slice(0, dot)]
  return entity && { entity, key: text.slice(dot + 1).replace(/^(["`])(.*?)\1?$/, '$2') }
}

/** Whether a text compares something, and so is a filter. Else it is words to look for: `cnn-lr=0.01` is one. */
export function isFilter(text: string, language = RUNS): boolean {
  const all = tokens(text)
  return all.some((token, i) => {
    if (token.kind !== 'operator') return false
    const before = all[i - 1]
    if (!before) return false
    if (before.kind === 'operator') return true
    return keyOf(before.text, language) !== undefined || (before.kind === 'key' && before.to < token.from && i === 1)
  })
}

/** Whether a filter cannot be right before more is typed. */
export function isUnfinished(text: string, language = RUNS): boolean {
  const all = tokens(text)
  const last = all.at(-1)
  if (!last) return false
  const open = all.filter((one) => one.kind === 'open').length - all.filter((one) => one.kind === 'close').length
  if (last.torn || open > 0) return true
  if (last.kind === 'operator' || last.kind === 'join' || last.kind === 'comma') return true
  return last.kind === 'key' && (isFilter(text, language) || (all.length === 1 && /^\w+\./.test(last.text) && keyOf(last.text, language) !== undefined))
}

/** What is being typed at `caret`. */
export function typingAt(text: string, caret: number, language = RUNS): Typing {
  const before = tokens(text.slice(0, caret))
  const last = before.at(-1)
  const touching = last !== undefined && last.to === caret && !['open', 'close', 'comma'].includes(last.kind)
  const done = touching ? before.slice(0, -1) : before
  const whole = touching ? (tokens(text).find((one) => one.from === last.from)?.to ?? caret) : caret
  const from = touching ? last.from : caret
  const to = touching && last.kind !== 'operator' ? Math.max(caret, whole) : caret
  const typed = touching ? last.text.replace(/^["'`]|["'`]$/g, '') : ''
  const key = done.filter((one) => one.kind === 'key').at(-1)
  const about = key && keyOf(key.text, language)
  const previous = done.at(-1)
  if (touching && last.kind === 'operator') return { kind: 'operator', from, to, typed, ...about }
  if (!previous || previous.kind === 'join' || (previous.kind === 'open' && !key)) return { kind: 'key', from, to, typed: typed.replace(/["`]/g, '') }
  if (previous.kind === 'operator' || previous.kind === 'comma' || previous.kind === 'open') return { kind: 'value', from, to, typed, ...about }
  if (previous.kind === 'key') return { kind: 'operator', from, to, typed, ...about }
  return { kind: 'join', from, to, typed }
}

const OF_NUMBERS = ['>', '>=', '<', '<=', '=', '!=']
const OF_TEXTS = ['=', '!=', 'LIKE', 'ILIKE']

export function operatorsOf(entity: Entity | undefined, key = ''): readonly string[] {
  if (entity === 'metrics' || /_time(_ms)?$|^timestamp|^created$/i.test(key)) return OF_NUMBERS
  if (entity === 'feedback' || entity === 'expectation') return [...OF_NUMBERS, 'LIKE', 'IS NULL', 'IS NOT NULL']
  return entity === 'attributes' && key === 'run_id' ? ['=', '!=', 'IN'] : OF_TEXTS
}

export interface Keys {
  metrics: readonly { key: string }[]
  params: readonly { key: string }[]
  tags: readonly { key: string }[]
}

/** All that a filter can begin with, as it is written. */
export function keyTexts(keys: Keys): string[] {
  return [
    ...keys.metrics.map(({ key }) => keyText('metrics', key)),
    ...keys.params.map(({ key }) => keyText('params', key)),
    ...ATTRIBUTES,
    ...keys.tags.map(({ key }) => keyText('tags', key)),
    ...DATASETS,
  ]
}

/** A text with a completion put in, and where the caret is then. */
export function completed(text: string, typing: Typing, word: string): { text: string; caret: number } {
  const rest = text.slice(typing.to)
  const made = `${text.slice(0, typing.from)}${word} `
  return { text: made + rest.replace(/^\s+/, ''), caret: made.length }
}

/** The piece of a filter that an error at `position` is about. */
export function pieceAt(text: string, position: number): { from: number; to: number } {
  const all = tokens(text)
  const hit = all.find((one) => one.from <= position && position < one.to) ?? all.filter((one) => one.to <= position).at(-1)
  return hit ? { from: hit.from, to: hit.to } : { from: 0, to: text.length }
}

/** Several conditions as one. What comes first keeps its place, so that errors in it are found there. */
export function both(...parts: readonly (string | undefined)[]): string | undefined {
  const given = parts.filter((part) => part !== undefined && part.trim() !== '')
  return given.length ? given.join(' AND ') : undefined
}
