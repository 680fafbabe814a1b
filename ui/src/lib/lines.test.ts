import { expect, test } from 'vitest'
import { decoded, finds, hex, linesOf, marked } from './lines'

test('lines', () => {
  expect(linesOf('a\nb\r\nc\n')).toEqual(['a', 'b', 'c'])
  expect(linesOf('\n\n')).toEqual(['', ''])
  expect(linesOf('')).toEqual([])
})

test('finding', () => {
  expect(finds(['Warn', 'info', 'a warning'], 'WARN')).toEqual([0, 2])
  expect(finds(['a'], '')).toEqual([])
  expect(marked('a Warn b warn', 'warn')).toEqual(['a ', 'Warn', ' b ', 'warn', ''])
  expect(marked('x', '')).toEqual(['x'])
  expect(marked('İİ warn', 'warn')).toEqual(['İİ warn'])
})

test('bytes as text', () => {
  const bytes = new TextEncoder().encode('日本')
  expect(decoded(bytes, true)).toEqual({ text: '日本', encoding: 'UTF-8' })
  expect(decoded(bytes.subarray(0, 4), false)).toEqual({ text: '日', encoding: 'UTF-8' })
  expect(decoded(new Uint8Array([99, 97, 102, 233]), true)).toEqual({ text: 'café', encoding: 'Latin-1' })
  expect(decoded(new Uint8Array([1, 0, 2]), true)).toBeUndefined()
  expect(decoded(new Uint8Array([255, 254, 1]), true)).toBeUndefined()
})

test('bytes as numbers', () => {
  expect(hex(new Uint8Array([0, 65, 255]))).toBe(`00000000  ${'00 41 ff'.padEnd(47)}  ·A·`)
})
