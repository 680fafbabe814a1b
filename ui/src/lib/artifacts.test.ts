import { describe, expect, test } from 'vitest'
import { above, first, folderOf, inOrder, kindOf, linked, logged, seriesOf, type Entry } from './artifacts'

function entry(path: string, folder = false): Entry {
  return { path, name: path.slice(path.lastIndexOf('/') + 1), folder, size: folder ? 0 : 10 }
}

test.each([
  ['a/plot.PNG', 'image'], ['x.svg', 'svg'], ['t.csv', 'csv'], ['t.parquet', 'parquet'], ['a.b.json', 'json'], ['p.geojson', 'json'],
  ['c.yml', 'yaml'], ['README.md', 'markdown'], ['r.html', 'html'], ['p.pdf', 'pdf'], ['s.wav', 'audio'], ['v.webm', 'video'],
  ['model/MLmodel', 'model'], ['train.log', 'text'], ['weights.pt', 'binary'], ['no-extension', 'unknown'], ['.hidden', 'unknown'],
  ['toString', 'unknown'], ['x.constructor', 'unknown'],
])('%s is of kind %s', (path, kind) => expect(kindOf(path)).toBe(kind))

test('folders come first, numbers in names count by size', () => {
  const names = inOrder([entry('b10.txt'), entry('b9.txt'), entry('z', true), entry('A.txt')]).map((e) => e.name)
  expect(names).toEqual(['z', 'A.txt', 'b9.txt', 'b10.txt'])
})

test('what says the most is opened first, and never a folder or a pickle', () => {
  expect(first([entry('a', true), entry('m.pkl'), entry('notes.txt'), entry('plot.png')])?.name).toBe('plot.png')
  expect(first([entry('a', true), entry('m.pkl')])).toBeUndefined()
})

describe('series of images', () => {
  const name = (key: string, step: number, sign: string, small = '') =>
    `images/${key}${sign}step${sign}${step}${sign}timestamp${sign}1795297751812${sign}750cf140-ea16-4da0-ae3b-8a18df92c7be${small}.png`

  test('names of both manners', () => {
    for (const sign of ['+', '%']) {
      expect(logged(name('loss landscape', -20, sign).slice(7))).toEqual({ key: 'loss landscape', step: -20, timestamp: 1795297751812, small: false })
    }
    expect(logged(name('a#b', 3, '%', '%compressed').slice(7))).toMatchObject({ key: 'a/b', small: true })
    expect(logged('plot.png')).toBeUndefined()
  })

  test('are in order of steps, without twins, apart from the rest', () => {
    const { series, rest } = seriesOf([
      entry(name('k', 10, '+')), entry(name('k', 9, '+')), entry(name('k', 9, '+', '+compressed')), entry('images/plot.png'),
    ])
    expect(series.map((s) => [s.key, s.frames.map((f) => f.step)])).toEqual([['k', [9, 10]]])
    expect(rest.map((e) => e.name)).toEqual(['plot.png'])
  })
})

test('folders of paths', () => {
  expect(folderOf('a/b/c')).toBe('a/b')
  expect(folderOf('c')).toBe('')
  expect(above('a/b/c')).toEqual(['', 'a', 'a/b'])
})

test.each([
  ['text/readme.md', 'notes.txt', 'text/notes.txt'],
  ['text/readme.md', '../images/a%20b.png#x', 'images/a b.png'],
  ['readme.md', '../../etc/passwd', undefined],
  ['readme.md', 'https://example.com/', undefined],
  ['readme.md', '//example.com/', undefined],
  ['readme.md', 'javascript:alert(1)', undefined],
  ['readme.md', '#part', undefined],
])('in %s the link %s leads to %s', (from, to, found) => expect(linked(from, to)).toBe(found))
