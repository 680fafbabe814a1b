import { expect, test } from 'vitest'
import { fit, rank } from './match'

test('all words must occur, in any order and case', () => {
  expect(fit('vision/Churn', 'churn vis')).toBeDefined()
  expect(fit('vision/churn', 'churn x')).toBeUndefined()
  expect(fit('anything', '')).toBeDefined()
})

test('the beginning of the text, then of a word, then within', () => {
  expect(rank(['hotel', 'my/tel', 'telephone'], 'tel', String)).toEqual(['telephone', 'my/tel', 'hotel'])
})

test('nothing typed keeps the order', () => {
  expect(rank(['b', 'a'], '  ', String)).toEqual(['b', 'a'])
})
