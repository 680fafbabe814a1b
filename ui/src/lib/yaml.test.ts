import { describe, expect, test } from 'vitest'
import { parseYaml } from './yaml'

/** Maps have no prototype; as JSON they are what one expects. */
const read = (text: string): unknown => JSON.parse(JSON.stringify(parseYaml(text)))

test.each<[string, unknown]>([
  ['', null],
  ['a: 1', { a: 1 }],
  ['a: 1 # one\nb: "x # y"\nc: d#e', { a: 1, b: 'x # y', c: 'd#e' }],
  ['a:\n  b: 1\n  c: null\nd: ~', { a: { b: 1, c: null }, d: null }],
  ['a:\n- 1\n- two\nb: 3', { a: [1, 'two'], b: 3 }],
  ['a:\n  - b: 1\n    c: 2\n  - d', { a: [{ b: 1, c: 2 }, 'd'] }],
  ['- - 1\n  - 2\n- []', [[1, 2], []]],
  ['a: [1, "b, c", {d: e}]', { a: [1, 'b, c', { d: 'e' }] }],
  ['a: [1,\n  2]\nb: {}', { a: [1, 2], b: {} }],
  ["a: 'it''s'\nb: \"x\\n\\u00e9\"", { a: "it's", b: 'x\né' }],
  ['a: |\n  one\n  two\nb: >-\n  one\n  two', { a: 'one\ntwo\n', b: 'one two' }],
  ['a: some long text\n  that goes on\nb: 1', { a: 'some long text that goes on', b: 1 }],
  ['a: true\nb: 1.5e-3\nc: 0.1\nd: 3.11.7\ne: -4', { a: true, b: 0.0015, c: 0.1, d: '3.11.7', e: -4 }],
  ['"quoted key": 1\nkey with spaces: 2', { 'quoted key': 1, 'key with spaces': 2 }],
  ['---\na: http://x:80/y\n...\n', { a: 'http://x:80/y' }],
  ['- mlflow==3\n- pip:\n  - x', ['mlflow==3', { pip: ['x'] }]],
  ['a: 12345678901234567890', { a: '12345678901234567890' }],
])('%j', (text, value) => expect(read(text)).toEqual(value))

test('what PyYAML folds is put together', () => {
  const text = `signature:\n  inputs: '[{"type": "long", "name": "tenure"}, {"type": "long",\n    "name": "calls"}]'\n  params: null\n`
  expect(read(text)).toEqual({ signature: { inputs: '[{"type": "long", "name": "tenure"}, {"type": "long", "name": "calls"}]', params: null } })
})

describe('hostile', () => {
  test('tags, anchors and aliases are text', () => {
    const text = "evil: !!python/object/apply:os.system ['touch pwned']\n<b>flavor</b>: {data: *nowhere}\nbomb: &a [x]\n"
    expect(read(text)).toEqual({
      evil: "!!python/object/apply:os.system ['touch pwned']", '<b>flavor</b>': { data: '*nowhere' }, bomb: '&a [x]',
    })
  })

  test('a key cannot change what objects are', () => {
    const made = parseYaml('__proto__:\n  polluted: yes\n') as Record<string, unknown>
    expect(Object.keys(made)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test.each([
    ['an open list', 'a: [1, 2'], ['an open quote', 'a: "x'], ['a step back halfway', 'a:\n  b: 1\n c: 2'], ['a list in a map', 'a: 1\n- b'],
    ['many brackets', '['.repeat(10_000)], ['many brackets that close', '['.repeat(10_000) + ']'.repeat(10_000)],
  ])('%s is refused', (_, text) => {
    expect(() => parseYaml(text)).toThrow(/Line \d+/)
  })

  test('much nesting is refused, not a crash', () => {
    const text = Array.from({ length: 5000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')
    expect(() => parseYaml(text)).toThrow(/too deep/)
  })
})
