import { expect, test } from 'vitest'
import { above, criticalPath, lengthOf, matching, plain, shownOf, spansFrom, treeOf, usageOf, type Span } from './spans'

const T = 1_795_310_177_583_224_000n
/** As a text, for a number of that size is off by up to 128 nanoseconds. */
const at = (ms: number) => String(T + BigInt(ms * 1e6))
const span = (id: string, parent: string | undefined, start: number, end: number | undefined, more: Partial<Span> = {}): Span => ({
  id, parent, name: id, type: 'UNKNOWN', start, end, state: 'ok', message: '', inputs: undefined, outputs: undefined, attributes: {}, events: [], links: [], ...more,
})
const names = (spans: readonly Span[]) => spans.map((one) => one.name).join(' ')

test('what traces/get answers', () => {
  const value = { kvlist_value: { values: [{ key: 'q', value: { array_value: { values: [{ int_value: '3' }, { double_value: 'NaN' }, { bool_value: false }] } } }] } }
  const [root, inner] = spansFrom([
    {
      trace_id: 'ck+jLc/pAvXddPts1cTHlA==', span_id: 'k/JdlZVi31E=', name: 'root', start_time_unix_nano: at(0), end_time_unix_nano: at(40),
      attributes: [{ key: 'mlflow.spanType', value: { string_value: 'AGENT' } }, { key: 'mlflow.spanInputs', value }, { key: 'model', value: { string_value: 'm' } }],
      status: { code: 'STATUS_CODE_ERROR', message: 'ValueError: no' },
      events: [{ name: 'exception', time_unix_nano: at(10), attributes: [{ key: 'exception.type', value: { string_value: 'ValueError' } }] }],
    },
    { span_id: 'UcZJOGQPViE=', parent_span_id: 'k/JdlZVi31E=', name: 'inner', start_time_unix_nano: at(5), end_time_unix_nano: null, status: { code: 'STATUS_CODE_OK' } },
  ])
  expect(root).toMatchObject({ id: '93f25d959562df51', parent: undefined, type: 'AGENT', start: 0, end: 40, state: 'error', message: 'ValueError: no', inputs: { q: [3, NaN, false] }, attributes: { model: 'm' } })
  expect(root?.events[0]).toMatchObject({ name: 'exception', time: 10, attributes: { 'exception.type': 'ValueError' } })
  expect(inner).toMatchObject({ parent: '93f25d959562df51', start: 5, end: undefined, state: 'ok' })
})

test('what a file of a trace has, old ones too', () => {
  const [one, old] = spansFrom([
    { span_id: 'k/JdlZVi31E=', parent_span_id: null, name: 'x', start_time_unix_nano: Number(T), end_time_unix_nano: Number(T), attributes: { 'mlflow.spanOutputs': '{"a": 1}', text: 'no json' }, status: { code: 'STATUS_CODE_OK' }, events: [] },
    { name: 'y', context: { span_id: '0x93f25d959562df52' }, parent_id: '0x93f25d959562df51', start_time: Number(T), end_time: Number(T) + 1_048_576, status_code: 'ERROR', status_message: 'why', attributes: null },
  ])
  expect(one).toMatchObject({ outputs: { a: 1 }, attributes: { text: 'no json' }, end: 0 })
  expect(old).toMatchObject({ id: '93f25d959562df52', parent: '93f25d959562df51', state: 'error', message: 'why', end: 1.048576 })
})

test('what is no span does no harm', () => {
  for (const said of [undefined, null, 3, 'x', {}, [], [1, null]]) expect(spansFrom(said)).toEqual([])
  const [odd] = spansFrom([{ span_id: '%%', start_time_unix_nano: 'soon', attributes: [{ key: '__proto__', value: { string_value: 'x' } }, 3], events: [7], status: 'x' }])
  expect(odd).toMatchObject({ name: '(no name)', start: 0, end: undefined, state: 'unset', events: [] })
  expect(({} as Record<string, unknown>).x).toBeUndefined()
  expect(plain({ kvlist_value: {} })).toEqual({})
  expect(plain({})).toBeNull()
})

test('a tree by start, with what has no parent on top', () => {
  const tree = treeOf([span('b', 'a', 5, 9), span('c', 'b', 6, 7), span('a', undefined, 0, 10), span('lost', 'gone', 3, 4), span('d', 'a', 1, 2)])
  expect(names(tree.spans)).toBe('a d b c lost')
  expect(tree.depth).toEqual([0, 1, 1, 2, 0])
  expect(tree.end).toEqual([4, 2, 4, 4, 5])
  expect(tree.duration).toBe(10)
  expect(above(tree, 3)).toEqual([0, 2])
  expect(shownOf(tree, new Set(['b']))).toEqual([0, 1, 2, 4])
  expect(shownOf(tree, new Set(['a']))).toEqual([0, 4])
})

test('rings and chains of any depth end', () => {
  const ring = treeOf([span('a', 'b', 0, 1), span('b', 'a', 0, 1), span('self', 'self', 0, 1)])
  expect(ring.spans.length).toBe(3)
  const deep = treeOf(Array.from({ length: 20_000 }, (_, i) => span(`${i}`, i ? `${i - 1}` : undefined, i, 40_000 - i)))
  expect(deep.depth.at(-1)).toBe(19_999)
  expect(criticalPath(deep).length).toBeGreaterThan(20_000)
})

test('a span that goes on lasts until the end', () => {
  const tree = treeOf([span('a', undefined, 0, undefined), span('b', 'a', 2, 10)])
  expect([lengthOf(tree, 0), lengthOf(tree, 1)]).toEqual([10, 8])
})

test('what the time went into', () => {
  //  a: 0------------------20
  //  b:   2----8
  //  c:     4------12         (at once with b)
  //  d:               14---20
  const tree = treeOf([span('a', undefined, 0, 20), span('b', 'a', 2, 8), span('c', 'a', 4, 12), span('d', 'a', 14, 20), span('e', 'd', 15, 30)])
  const path = criticalPath(tree).map(({ at, from, to }) => `${tree.spans[at]?.name} ${from}-${to}`)
  expect(path).toEqual(['a 0-2', 'b 2-4', 'c 4-12', 'a 12-14', 'd 14-15', 'e 15-20'])
  expect(criticalPath(treeOf([]))).toEqual([])
})

test('finding in spans', () => {
  const tree = treeOf([span('a', undefined, 0, 1, { inputs: { q: 'Paris?' } }), span('b', 'a', 0, 1, { type: 'TOOL' })])
  expect([...matching(tree, 'paris')]).toEqual([0])
  expect([...matching(tree, 'tool')]).toEqual([1])
  expect([...matching(tree, ' ')]).toEqual([])
})

test('tokens', () => {
  expect(usageOf({ input_tokens: 3, output_tokens: 4 })).toEqual({ input: 3, output: 4, total: 7 })
  expect(usageOf({ total_tokens: 'x' })).toBeUndefined()
  expect(usageOf('7')).toBeUndefined()
})
