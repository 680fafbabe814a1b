import { expect, test } from 'vitest'
import { treeOf, type Branch } from './tree'

const drawn = (tree: Branch<string>[]): unknown =>
  tree.map((b) => (b.children.length ? [b.step, b.item ?? null, drawn(b.children)] : b.step))

test('slashes make levels, a chain without a choice is one', () => {
  expect(drawn(treeOf(['a/b/x', 'a/b/y', 'c/d/e', 'f'], String))).toEqual([['a/b', null, ['x', 'y']], 'c/d/e', 'f'])
})

test('a name may be a level too', () => {
  expect(drawn(treeOf(['a', 'a/b'], String))).toEqual([['a', 'a', ['b']]])
})

test('equal names are both there', () => {
  expect(drawn(treeOf(['a', 'a'], String))).toEqual(['a', 'a'])
})

test('odd slashes lose nothing', () => {
  const names = ['/a', 'a/', '//', '']
  const items: string[] = []
  const walk = (tree: Branch<string>[]): void => tree.forEach((b) => { if (b.item !== undefined) items.push(b.item); walk(b.children) })
  walk(treeOf(names, String))
  expect(items.sort()).toEqual([...names].sort())
})
