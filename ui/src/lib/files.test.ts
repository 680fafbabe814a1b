import { expect, test } from 'vitest'
import type { Entry } from './artifacts'
import { matched } from './files'

const file = (name: string): Entry => ({ path: `dir/${name}`, name, folder: false, size: 1 })
const folder = (name: string): Entry => ({ path: `dir/${name}`, name, folder: true, size: 0 })
const image = (step: number, time = 1): Entry => file(`wave+step+${step}+timestamp+${time}+${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}.png`)

test('files are matched by name, series by step', () => {
  const found = matched([[folder('sub'), file('a.txt'), image(0), image(10)], [file('a.txt'), file('b.txt'), image(10), image(20)]])
  expect(found.map((row) => [row.name, row.runs])).toEqual([['sub', 1], ['wave', 2], ['a.txt', 2], ['b.txt', 1]])
  expect(found[1]?.steps).toEqual([0, 10, 20])
  expect(found[1]?.frames?.map((frames) => frames.has(0))).toEqual([true, false])
  expect(found[3]?.entries[0]).toBeUndefined()
})

test('a file and a folder of one name are not the same', () => {
  expect(matched([[file('x')], [folder('x')]]).map((row) => [row.folder, row.runs])).toEqual([[true, 1], [false, 1]])
})
