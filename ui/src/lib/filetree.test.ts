import { expect, test } from 'vitest'
import type { Entry } from './artifacts'
import { linesOfTree, MOST, sizeOf, treeStep } from './filetree'

const file = (path: string, size = 1): Entry => ({ path, name: path.split('/').at(-1) ?? '', folder: false, size })
const folder = (path: string): Entry => ({ ...file(path, 0), folder: true })

const known = new Map<string, Entry[]>([
  ['', [folder('a'), folder('b'), file('x.txt', 5)]],
  ['a', [folder('a/c'), file('a/1', 2)]],
  ['a/c', [file('a/c/2', 3)]],
])
const inside = (path: string) => known.get(path)
const none: ReadonlySet<string> = new Set()

test('only what is open is drawn', () => {
  expect(linesOfTree(inside, none, none).map((l) => l.id)).toEqual(['a', 'b', 'x.txt'])
  const lines = linesOfTree(inside, new Set(['a', 'a/c', 'b']), none)
  expect(lines.map((l) => [l.id, l.level])).toEqual([['a', 1], ['a/c', 2], ['a/c/2', 3], ['a/1', 2], ['b', 1], ['x.txt', 1]])
})

test('folders have a size once all in them is known', () => {
  expect(sizeOf(inside, 'a')).toBe(5)
  expect(sizeOf(inside, 'b')).toBeUndefined()
  expect(sizeOf(inside, '')).toBeUndefined()
})

test('much in a folder is drawn when it is asked for', () => {
  const many = () => Array.from({ length: MOST + 7 }, (_, i) => file(String(i)))
  expect(linesOfTree(many, none, none).at(-1)).toMatchObject({ kind: 'more', name: '7 more' })
  expect(linesOfTree(many, none, new Set(['']))).toHaveLength(MOST + 7)
})

test('a series of images is one line', () => {
  const name = (step: number) => `k+step+${step}+timestamp+17+750cf140-ea16.png`
  const lines = linesOfTree(() => [file(name(2)), file(name(1)), file('z.txt')], none, none)
  expect(lines.map((l) => [l.kind, l.name])).toEqual([['file', 'z.txt'], ['series', 'k (2 steps)']])
  expect(lines[1]?.path).toBe(name(1))
})

test('keys', () => {
  const lines = linesOfTree(inside, new Set(['a']), none)
  expect(treeStep(lines, 0, 'ArrowDown')).toEqual({ to: 1 })
  expect(treeStep(lines, 0, 'ArrowRight')).toEqual({ to: 1 })
  expect(treeStep(lines, 1, 'ArrowRight')).toMatchObject({ toggle: { id: 'a/c' } })
  expect(treeStep(lines, 2, 'ArrowLeft')).toEqual({ to: 0 })
  expect(treeStep(lines, 0, 'ArrowLeft')).toMatchObject({ toggle: { id: 'a' } })
  expect(treeStep(lines, 0, 'End')).toEqual({ to: 4 })
  expect(treeStep(lines, 0, 'q')).toBeUndefined()
})
