/** Messages of a chat, found in what a span was given or made: as OpenAI, Anthropic, Gemini and LangChain write them. */
import { isObject } from './spans'

export interface ToolCall {
  id: string
  name: string
  /** An object where it is JSON, else the text. */
  arguments: unknown
}

export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'thinking'; text: string }
  /** A picture that is in the message itself; others are text. */
  | { kind: 'image'; source: string }
  | { kind: 'data'; value: unknown }

export interface Message {
  role: string
  /** Of the speaker or the tool. */
  name: string
  parts: readonly Part[]
  calls: readonly ToolCall[]
  /** The call that a tool's message answers. */
  answers: string
}

type Loose = Readonly<Record<string, unknown>>

/** Pictures that are shown: of kinds that can do nothing. */
const PICTURE = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+$/

const ROLES: Readonly<Record<string, string>> = { human: 'user', ai: 'assistant', model: 'assistant', function: 'tool', AIMessageChunk: 'assistant' }

/** The messages in a value; undefined if it is no chat. Never throws, whatever the value is. */
export function messagesOf(value: unknown): Message[] | undefined {
  const found = anyOf(value)
  return found?.length ? found : undefined
}

function anyOf(value: unknown): Message[] | undefined {
  if (Array.isArray(value)) return listFrom(value)
  if (!isObject(value)) return undefined
  if (Array.isArray(value.choices)) return whole(value.choices, (one) => (isObject(one) ? messageFrom(one.message ?? one.delta) : undefined))
  if (Array.isArray(value.candidates)) return whole(value.candidates, (one) => (isObject(one) ? messageFrom(one.content) : undefined))
  if (Array.isArray(value.generations)) return whole(value.generations.flat() as unknown[], generation)
  if (Array.isArray(value.messages)) return withSystem(value.system, listFrom(value.messages))
  if (Array.isArray(value.contents)) return listFrom(value.contents)
  if (Array.isArray(value.output)) return listFrom(value.output)
  if (Array.isArray(value.input)) return withSystem(value.instructions, listFrom(value.input))
  if (typeof value.input === 'string' && ('instructions' in value || 'model' in value)) return withSystem(value.instructions, [textMessage('user', value.input)])
  const one = messageFrom(value)
  return one && [one]
}

/** A list, of which everything is a message. LangChain has lists of lists. */
function listFrom(list: readonly unknown[]): Message[] | undefined {
  return whole(list.flat(), messageFrom)
}

function whole(list: readonly unknown[], read: (one: unknown) => Message | undefined): Message[] | undefined {
  const found: Message[] = []
  for (const one of list) {
    const message = read(one)
    if (!message) return undefined
    found.push(message)
  }
  return found
}

function withSystem(system: unknown, messages: Message[] | undefined): Message[] | undefined {
  if (!messages || !system) return messages
  return [{ ...EMPTY, role: 'system', parts: partsFrom(system).parts }, ...messages]
}

const EMPTY: Message = { role: '', name: '', parts: [], calls: [], answers: '' }
const textMessage = (role: string, text: string): Message => ({ ...EMPTY, role, parts: [{ kind: 'text', text }] })

function generation(one: unknown): Message | undefined {
  if (!isObject(one)) return undefined
  return messageFrom(one.message) ?? (typeof one.text === 'string' ? textMessage('assistant', one.text) : undefined)
}

function messageFrom(said: unknown): Message | undefined {
  if (!isObject(said)) return undefined
  const one = isObject(said.kwargs) && Array.isArray(said.id) ? { type: String(said.id.at(-1)).replace(/Message(Chunk)?$/, '').toLowerCase(), ...said.kwargs } : said
  if (one.type === 'function_call') return { ...EMPTY, role: 'assistant', calls: [{ id: text(one.call_id), name: text(one.name), arguments: json(one.arguments) }] }
  if (one.type === 'function_call_output') return { ...EMPTY, role: 'tool', answers: text(one.call_id), ...partsFrom(json(one.output)) }
  if (one.type === 'reasoning') return { ...EMPTY, role: 'assistant', parts: listed(one.summary).map((part) => ({ kind: 'thinking', text: isObject(part) ? text(part.text) : text(part) })) }
  const role = typeof one.role === 'string' ? one.role : typeof one.type === 'string' && ROLE_TYPES.has(one.type) ? one.type : ''
  if (role === '' || !('content' in one || 'parts' in one || 'tool_calls' in one)) return undefined
  const { parts, calls } = partsFrom(one.content ?? one.parts)
  const answer = listed(one.content).find((part) => isObject(part) && part.type === 'tool_result')
  return {
    role: answer ? 'tool' : (ROLES[role] ?? role),
    name: text(one.name),
    parts: typeof one.refusal === 'string' ? [...parts, { kind: 'text', text: one.refusal }] : parts,
    calls: [...calls, ...listed(one.tool_calls).flatMap(callFrom)],
    answers: text(one.tool_call_id) || (isObject(answer) ? text(answer.tool_use_id) : ''),
  }
}

const ROLE_TYPES = new Set(['human', 'ai', 'system', 'tool', 'function', 'AIMessageChunk'])

function callFrom(said: unknown): ToolCall[] {
  if (!isObject(said)) return []
  const what: Loose = isObject(said.function) ? said.function : said
  return [{ id: text(said.id), name: text(what.name), arguments: json(what.arguments ?? what.args) }]
}

function partsFrom(content: unknown): { parts: Part[]; calls: ToolCall[] } {
  const parts: Part[] = []
  const calls: ToolCall[] = []
  for (const one of Array.isArray(content) ? (content as unknown[]) : [content]) {
    if (one === null || one === undefined || one === '') continue
    if (!isObject(one)) parts.push({ kind: 'text', text: String(one) })
    else if (one.type === 'tool_use' || isObject(one.functionCall)) {
      const call: Loose = isObject(one.functionCall) ? one.functionCall : one
      calls.push({ id: text(call.id), name: text(call.name), arguments: json(call.input ?? call.args) })
    } else if (one.type === 'tool_result') parts.push(...partsFrom(one.content).parts)
    else if (one.type === 'thinking') parts.push({ kind: 'thinking', text: text(one.thinking) })
    else if (typeof one.text === 'string') parts.push({ kind: 'text', text: one.text })
    else parts.push(picture(one) ?? { kind: 'data', value: one })
  }
  return { parts, calls }
}

function picture(one: Loose): Part | undefined {
  const url = isObject(one.image_url) ? one.image_url.url : (one.image_url ?? one.url)
  const inner = isObject(one.source) ? one.source : isObject(one.inlineData) ? { media_type: one.inlineData.mimeType, data: one.inlineData.data } : undefined
  const source = inner ? `data:${text(inner.media_type)};base64,${text(inner.data)}` : text(url)
  if (PICTURE.test(source)) return { kind: 'image', source }
  return typeof url === 'string' ? { kind: 'text', text: url } : undefined
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const listed = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function json(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    const made: unknown = JSON.parse(value)
    return typeof made === 'object' ? made : value
  } catch {
    return value
  }
}

/** What somebody said last, or what a value says: one line for a table. */
export function gist(said: string | undefined, who: 'user' | 'assistant'): string {
  if (!said) return ''
  const value = json(said)
  const messages = messagesOf(value)
  const spoken = messages && [...messages].reverse().find((one) => one.role === who && one.parts.length)
  const words = (spoken ?? messages?.at(-1))?.parts.map((part) => (part.kind === 'text' ? part.text : '')).join(' ')
  if (words) return oneLine(words)
  if (isObject(value)) {
    const entries = Object.entries(value)
    const only = entries.length === 1 ? entries[0]?.[1] : undefined
    if (typeof only === 'string') return oneLine(only)
  }
  const bare = /^"(?:[^"\\]|\\.)*"$/.test(said) ? String(JSON.parse(said)) : said
  return oneLine(bare)
}

const oneLine = (words: string) => words.replace(/\s+/g, ' ').trim().slice(0, 400)

/** What a retriever found; undefined if it is no list of documents. */
export function documentsOf(value: unknown): { text: string; about: unknown }[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const found = (value as unknown[]).map((one) => (isObject(one) && typeof one.page_content === 'string' ? { text: one.page_content, about: isObject(one.metadata) && Object.keys(one.metadata).length ? one.metadata : undefined } : undefined))
  return found.every((one) => one !== undefined) ? found : undefined
}
