import { expect, test } from 'vitest'
import { sparkPath } from './spark'

test.each<[string, number[], number[], string]>([
  ['rises', [0, 5, 10], [0, 1, 2], 'M0 10L50 5L100 0'],
  ['keeps distances', [0, 1, 10], [0, 0, 1], 'M0 10L10 10L100 0'],
  ['is flat', [0, 1], [3, 3], 'M0 5L100 5'],
  ['has a gap', [0, 1, 2, 3, 4], [0, 1, NaN, 1, 0], 'M0 10L25 0M75 0L100 10'],
  ['is one point', [7], [7], 'M50 5h0.01'],
  ['is nothing', [1, 2], [NaN, Infinity], ''],
  ['is huge', [0, 1], [-1.7e308, 1.7e308], 'M0 10L100 0'],
])('what %s', (_, xs, ys, path) => expect(sparkPath(xs, ys, 100, 10)).toBe(path))
