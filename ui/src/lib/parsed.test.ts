import { expect, test } from 'vitest'
import { parsed } from './parsed'

test('tables', () => {
  expect(parsed('csv', 'a,b\n1,2\n', true)).toEqual({ as: 'table', head: ['a', 'b'], rows: [['1', '2']] })
  expect(parsed('csv', 'a;b\n1,5;2\n', true)).toEqual({ as: 'table', head: ['a', 'b'], rows: [['1,5', '2']] })
  expect(parsed('tsv', 'a\tb\n1\t2\n', true)).toMatchObject({ head: ['a', 'b'] })
  expect(parsed('json', '{"columns": ["a"], "data": [[1], [null]]}', true)).toEqual({ as: 'table', head: ['a'], rows: [[1], [null]] })
  expect(parsed('jsonl', '{"a": 1}\n{"b": 2}\n', true)).toEqual({ as: 'table', head: ['a', 'b'], rows: [[1, undefined], [undefined, 2]] })
})

test('trees', () => {
  expect(parsed('json', '{"columns": "no", "data": []}', true)).toMatchObject({ as: 'tree' })
  expect(parsed('json', '[1]', true)).toEqual({ as: 'tree', value: [1] })
  expect(parsed('jsonl', '1\n[2]\n', true)).toEqual({ as: 'tree', value: [1, [2]] })
  expect(parsed('yaml', 'a: 1', true)).toMatchObject({ as: 'tree' })
})

test('what cannot be read is shown as text, with the reason', () => {
  expect(parsed('json', '{"a": ', true)).toMatchObject({ as: 'text', why: expect.stringContaining('no valid JSON') as string })
  expect(parsed('yaml', 'a: [', true)).toMatchObject({ as: 'text', why: expect.stringContaining('Line 1') as string })
  expect(parsed('json', '{"a": 1', false)).toMatchObject({ as: 'text', why: expect.stringContaining('part') as string })
  expect(parsed('jsonl', '{"a": 1}\n{"a"', false)).toMatchObject({ as: 'table', rows: [[1]] })
})
