import { expect, test } from 'vitest'
import { documentsOf, gist, messagesOf, type Message } from './chat'

/** Roles and words: `user: hi`, `assistant: → weather {"city":"Bern"}`. */
const said = (value: unknown) => messagesOf(value)?.map(line)
function line({ role, parts, calls, answers }: Message): string {
  const words = parts.map((part) => (part.kind === 'text' ? part.text : part.kind === 'thinking' ? `(${part.text})` : part.kind === 'image' ? '[image]' : JSON.stringify(part.value)))
  return `${role}: ${[...words, ...calls.map((call) => `→ ${call.name} ${JSON.stringify(call.arguments)}`)].join(' ')}${answers && ` ← ${answers}`}`
}

test('OpenAI, chat', () => {
  const messages = [
    { role: 'system', content: 'be kind' },
    { role: 'user', content: [{ type: 'text', text: 'what is this' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
    { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } }] },
    { role: 'tool', tool_call_id: 'c1', content: '3 °C' },
  ]
  expect(said({ model: 'gpt', messages })).toEqual(['system: be kind', 'user: what is this [image]', 'assistant: → weather {"city":"Bern"}', 'tool: 3 °C ← c1'])
  expect(said({ choices: [{ message: { role: 'assistant', content: 'Hello' } }] })).toEqual(['assistant: Hello'])
  expect(said(messages)).toHaveLength(4)
})

test('OpenAI, responses', () => {
  const input = [{ role: 'user', content: [{ type: 'input_text', text: 'hi' }] }, { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }, { type: 'function_call_output', call_id: 'c', output: 'done' }]
  expect(said({ instructions: 'be kind', input })).toEqual(['system: be kind', 'user: hi', 'assistant: → f {}', 'tool: done ← c'])
  expect(said({ model: 'm', input: 'hi' })).toEqual(['user: hi'])
  const output = [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] }, { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello' }] }]
  expect(said({ output })).toEqual(['assistant: (hm)', 'assistant: Hello'])
})

test('Anthropic', () => {
  const messages = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm' }, { type: 'text', text: 'I look' }, { type: 'tool_use', id: 't', name: 'look', input: { at: 1 } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'found' }] }] },
  ]
  expect(said({ system: 'be kind', messages })).toEqual(['system: be kind', 'user: hi', 'assistant: (hm) I look → look {"at":1}', 'tool: found ← t'])
  expect(said({ type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Hello' }] })).toEqual(['assistant: Hello'])
})

test('LangChain and Gemini', () => {
  expect(said([[{ type: 'human', content: 'hi' }, { type: 'ai', content: '', tool_calls: [{ name: 'f', args: { a: 1 }, id: 'c' }] }]])).toEqual(['user: hi', 'assistant: → f {"a":1}'])
  expect(said({ messages: [{ lc: 1, type: 'constructor', id: ['langchain', 'schema', 'HumanMessage'], kwargs: { content: 'hi' } }] })).toEqual(['user: hi'])
  expect(said({ generations: [[{ text: 'Hello', message: { type: 'ai', content: 'Hello' } }]] })).toEqual(['assistant: Hello'])
  expect(said({ generations: [[{ text: 'Hello' }]] })).toEqual(['assistant: Hello'])
  expect(said({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }] })).toEqual(['user: hi'])
  expect(said({ candidates: [{ content: { role: 'model', parts: [{ text: 'Hello' }, { functionCall: { name: 'f', args: {} } }] } }] })).toEqual(['assistant: Hello → f {}'])
})

test('what is no chat', () => {
  for (const value of [undefined, null, 1, 'hi', [], {}, [1], { messages: 'x' }, { messages: [1] }, { role: 'admin' }, { q: 'hi' }, { type: 'human' }, { choices: [{}] }]) expect(messagesOf(value)).toBeUndefined()
})

test('only pictures that can do nothing are shown', () => {
  for (const url of ['https://example.com/x.png', 'javascript:alert(1)', 'data:image/svg+xml;base64,AAAA', 'data:text/html,<b>']) {
    expect(messagesOf([{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }])?.[0]?.parts).toEqual([{ kind: 'text', text: url }])
  }
})

test('the gist of an input and an output', () => {
  expect(gist('{"messages":[{"role":"user","content":"first"},{"role":"assistant","content":"a"},{"role":"user","content":"second\\n line"}]}', 'user')).toBe('second line')
  expect(gist('{"q":"hi"}', 'user')).toBe('hi')
  expect(gist('"Hello \\"you\\""', 'assistant')).toBe('Hello "you"')
  expect(gist('{"a":1,"b":2}', 'user')).toBe('{"a":1,"b":2}')
  expect(gist('{"cut off at the end', 'user')).toBe('{"cut off at the end')
  expect(gist(undefined, 'user')).toBe('')
})

test('documents', () => {
  expect(documentsOf([{ page_content: 'a', metadata: { doc_uri: 'x' } }, { page_content: 'b', metadata: {} }])).toEqual([{ text: 'a', about: { doc_uri: 'x' } }, { text: 'b', about: undefined }])
  for (const value of [[], [1], {}, [{ page_content: 'a' }, { text: 'b' }]]) expect(documentsOf(value)).toBeUndefined()
})
