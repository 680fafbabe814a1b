/**
 * YAML as configuration files and model descriptions are written: block and flow collections, plain, quoted and block
 * scalars. Tags, anchors and aliases are kept as text: nothing is made of them, nothing is followed.
 */

export type Yaml = null | boolean | number | string | Yaml[] | { [key: string]: Yaml }

interface Line {
  indent: number
  text: string
  /** From 1. */
  number: number
}

const DEEPEST = 200

/** @throws Error with the number of the line that is not understood. */
export function parseYaml(text: string): Yaml {
  const reader = new Reader(text)
  return reader.document()
}

class Reader {
  #lines: Line[]
  #raw: string[]
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#raw = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)
    this.#lines = this.#raw.flatMap((raw, i) => {
      const bare = raw.replace(/^ +/, '')
      if (bare === '' || bare.startsWith('#') || /^(%|---\s*$|\.\.\.\s*$)/.test(raw)) return []
      return [{ indent: raw.length - bare.length, text: bare.trimEnd(), number: i + 1 }]
    })
  }

  document(): Yaml {
    if (this.#lines.length === 0) return null
    const value = this.#block(0)
    if (this.#at < this.#lines.length) this.#fail('is not part of what stands above it')
    return value
  }

  get #line(): Line | undefined {
    return this.#lines[this.#at]
  }

  #fail(why: string): never {
    const line = this.#line ?? this.#lines.at(-1)
    throw new Error(`Line ${line?.number ?? 1} ${why}.`)
  }

  /** What begins at this line, which is indented at least so far. */
  #block(least: number): Yaml {
    const line = this.#line
    if (!line || line.indent < least) return null
    this.#depth += 1
    if (this.#depth > DEEPEST) this.#fail('is nested too deep')
    let value: Yaml
    if (/^-( |$)/.test(line.text)) value = this.#list(line.indent)
    else if (keyEnd(line.text) >= 0) value = this.#map(line.indent)
    else {
      this.#at += 1
      value = this.#scalar(line.text, line, least - 1)
    }
    this.#depth -= 1
    return value
  }

  #list(indent: number): Yaml[] {
    const items: Yaml[] = []
    for (let line = this.#line; line && line.indent === indent && /^-( |$)/.test(line.text); line = this.#line) {
      const rest = line.text.slice(1).trimStart()
      if (rest === '' || rest.startsWith('#')) {
        this.#at += 1
        items.push(this.#block(indent + 1))
      } else if (/^-( |$)/.test(rest) || keyEnd(rest) >= 0) {
        // What stands behind the dash is a block of its own, indented by where it begins.
        this.#lines[this.#at] = { ...line, indent: indent + line.text.length - rest.length, text: rest }
        items.push(this.#block(indent + 1))
      } else {
        this.#at += 1
        items.push(this.#scalar(rest, line, indent))
      }
    }
    return items
  }

  #map(indent: number): { [key: string]: Yaml } {
    const map = Object.create(null) as { [key: string]: Yaml }
    for (let line = this.#line; line && line.indent === indent; line = this.#line) {
      const end = keyEnd(line.text)
      if (end < 0) this.#fail('has no “key:”')
      const key = keyText(line.text.slice(0, end))
      const rest = uncommented(line.text.slice(end + 1).trimStart())
      this.#at += 1
      if (rest !== '') map[key] = this.#scalar(line.text.slice(end + 1).trimStart(), line, indent)
      else {
        const next = this.#line
        const same = next && next.indent === indent && /^-( |$)/.test(next.text)
        map[key] = next && (next.indent > indent || same) ? this.#block(same ? indent : indent + 1) : null
      }
    }
    return map
  }

  /** A value that begins behind a key or a dash; lines that are indented more go on with it. */
  #scalar(begin: string, line: Line, indent: number): Yaml {
    const block = /^([|>])([-+]?)\d?([-+]?)\s*(#.*)?$/.exec(begin)
    if (block) return this.#literal(line, indent, block[1] === '>', block[2] || block[3] || '')
    let text = begin
    const open = () => (/^["'[{]/.test(text) ? !closed(text) : false)
    if (/^["'[{]/.test(begin)) {
      while (open()) {
        const next = this.#line
        if (!next || next.indent <= indent) this.#fail('leaves something open')
        text += ` ${next.text}`
        this.#at += 1
      }
      return flow(text, line.number)
    }
    text = uncommented(text)
    for (let next = this.#line; next && next.indent > indent; next = this.#line) {
      text += ` ${uncommented(next.text)}`
      this.#at += 1
    }
    return plain(text)
  }

  #literal(line: Line, indent: number, folded: boolean, chomp: string): string {
    const taken: string[] = []
    let at = line.number
    let own = -1
    for (; at < this.#raw.length; at++) {
      const raw = this.#raw[at] ?? ''
      const far = raw.length - raw.trimStart().length
      if (raw.trim() !== '' && far <= indent) break
      if (own < 0 && raw.trim() !== '') own = far
      taken.push(raw.slice(Math.max(own, 0)))
    }
    while (this.#line && this.#line.number <= at) this.#at += 1
    let text = taken.join('\n')
    const ends = /\n*$/.exec(text)?.[0] ?? ''
    text = text.slice(0, text.length - ends.length)
    if (folded) text = text.replace(/([^\n])\n(?=[^\n\s])/g, '$1 ').replace(/\n\n/g, '\n')
    return chomp === '-' ? text : chomp === '+' ? `${text}${ends}\n` : `${text}\n`
  }
}

/** Where the colon of `key: value` is; -1 if there is none. */
function keyEnd(text: string): number {
  const quote = text[0]
  if (quote === '"' || quote === "'") {
    const end = quoteEnd(text, 0)
    if (end < 0) return -1
    const after = /^\s*:(?=\s|$)/.exec(text.slice(end))
    return after ? end + after[0].length - 1 : -1
  }
  if (/^[[{|>&*!%@`#]/.test(text)) return -1
  const found = /:(?=\s|$)/.exec(text)
  const comment = / #/.exec(text)
  return found && (!comment || found.index < comment.index) ? found.index : -1
}

function keyText(text: string): string {
  const bare = text.trim()
  return /^["']/.test(bare) ? String(unquoted(bare)) : bare
}

/** The place behind the closing quote; -1 if it does not close. */
function quoteEnd(text: string, start: number): number {
  const quote = text[start]
  for (let i = start + 1; i < text.length; i++) {
    if (quote === '"' && text[i] === '\\') i += 1
    else if (text[i] === quote) {
      if (quote === "'" && text[i + 1] === "'") i += 1
      else return i + 1
    }
  }
  return -1
}

function uncommented(text: string): string {
  if (text.startsWith('#')) return ''
  const at = text.search(/\s#/)
  return (at < 0 || /^["']/.test(text) ? text : text.slice(0, at)).trimEnd()
}

function closed(text: string): boolean {
  if (/^["']/.test(text)) return quoteEnd(text, 0) >= 0
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if ((c === '"' || c === "'") && /[[{,:\s]/.test(text[i - 1] ?? ' ')) {
      const end = quoteEnd(text, i)
      if (end < 0) return false
      i = end - 1
    } else if (c === '[' || c === '{') depth += 1
    else if (c === ']' || c === '}') depth -= 1
    if (depth === 0) return true
  }
  return false
}

/** A quoted scalar or a flow collection. */
function flow(text: string, line: number): Yaml {
  let at = 0
  let depth = 0
  const fail = (): never => {
    throw new Error(`Line ${line} is not understood.`)
  }
  const space = () => {
    while (/\s/.test(text[at] ?? '')) at += 1
  }
  const value = (ends: string): Yaml => {
    space()
    const c = text[at]
    if (c === '[' || c === '{') {
      if (++depth > DEEPEST) fail()
      at += 1
      const made = c === '[' ? list() : map()
      depth -= 1
      return made
    }
    if (c === '"' || c === "'") {
      const end = quoteEnd(text, at)
      if (end < 0) fail()
      const quoted = unquoted(text.slice(at, end))
      at = end
      return quoted
    }
    const start = at
    while (at < text.length && !ends.includes(text[at] ?? '') && !(ends.includes(':') && text[at] === ':')) {
      if (text[at] === ':' && /[\s,\]}]/.test(text[at + 1] ?? ' ') && ends.includes('k')) break
      at += 1
    }
    return plain(text.slice(start, at).trim())
  }
  const list = (): Yaml[] => {
    const items: Yaml[] = []
    for (space(); text[at] !== ']'; space()) {
      if (at >= text.length) fail()
      items.push(value(',]'))
      space()
      if (text[at] === ',') at += 1
      else if (text[at] !== ']') fail()
    }
    at += 1
    return items
  }
  const map = (): { [key: string]: Yaml } => {
    const made = Object.create(null) as { [key: string]: Yaml }
    for (space(); text[at] !== '}'; space()) {
      if (at >= text.length) fail()
      const key = String(value(',}k'))
      space()
      if (text[at] === ':') {
        at += 1
        made[key] = value(',}')
      } else made[key] = null
      space()
      if (text[at] === ',') at += 1
      else if (text[at] !== '}') fail()
    }
    at += 1
    return made
  }
  const made = value('')
  if (uncommented(` ${text.slice(at)}`).trim() !== '') fail()
  return made
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', b: '\b', f: '\f', e: '\x1b', a: '\x07', v: '\v', N: '\x85', _: '\xa0' }

function unquoted(text: string): string {
  const inner = text.slice(1, -1)
  if (text[0] === "'") return inner.replaceAll("''", "'")
  return inner.replace(/\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})| ?(.))/gi, (_, x, u, wide, one: string) => {
    const code = x ?? u ?? wide
    if (code) return Number.parseInt(code, 16) <= 0x10ffff ? String.fromCodePoint(Number.parseInt(code, 16)) : '\ufffd'
    return ESCAPES[one] ?? one
  })
}

function plain(text: string): Yaml {
  if (text === '' || text === '~' || /^null$/i.test(text)) return null
  if (/^true$/i.test(text)) return true
  if (/^false$/i.test(text)) return false
  if (/^[-+]?(0|[1-9]\d*)$/.test(text)) {
    const value = Number(text)
    return Number.isSafeInteger(value) ? value : text
  }
  if (/^[-+]?(\d+\.\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text)
  return text
}
