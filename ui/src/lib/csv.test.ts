import { expect, test } from 'vitest'
import { cellText, comparer, numeric, parseCsv } from './csv'

test.each<[string, string[][]]>([
  ['a,b\n1,2\n', [['a', 'b'], ['1', '2']]],
  ['a,b\r\n1,2', [['a', 'b'], ['1', '2']]],
  ['"x,y","two\nlines","a ""b"""\n', [['x,y', 'two\nlines', 'a "b"']]],
  ['a,,\n,b,\n', [['a', '', ''], ['', 'b', '']]],
  ['a,b,', [['a', 'b', '']]],
  ['\ufeffa\n', [['a']]],
  ['"never closed, a', [['never closed, a']]],
  ['a"b,c\n', [['a"b', 'c']]],
  ['', []],
  ['\n\n', []],
])('%j', (text, rows) => expect(parseCsv(text, ',')).toEqual(rows))

test('tabs', () => expect(parseCsv('a\tb,c\n', '\t')).toEqual([['a', 'b,c']]))

test('a row that may be cut off is left out', () => expect(parseCsv('a,b\n1,2\n3,', ',', false)).toEqual([['a', 'b'], ['1', '2']]))

test('columns of numbers', () => {
  expect(numeric(['1', '', '-2.5e3', 'NaN', null])).toBe(true)
  expect(numeric(['1', 'x'])).toBe(false)
  expect(numeric(['', null])).toBe(false)
  expect(numeric(['0x10'])).toBe(false)
})

test('what is empty comes last, up and down', () => {
  const rows = [['2'], [''], ['10'], ['NaN'], ['1']]
  expect([...rows].sort(comparer(0, true, false)).map(([c]) => c)).toEqual(['1', '2', '10', '', 'NaN'])
  expect([...rows].sort(comparer(0, true, true)).map(([c]) => c)).toEqual(['10', '2', '1', '', 'NaN'])
  expect([['b'], ['a']].sort(comparer(0, false, false))).toEqual([['a'], ['b']])
})

test('cells', () => {
  expect(cellText(null)).toBe('')
  expect(cellText({ a: [1] })).toBe('{"a":[1]}')
  expect(cellText(false)).toBe('false')
})
