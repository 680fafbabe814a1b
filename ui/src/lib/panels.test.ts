import { expect, test } from 'vitest'
import { firstPanels, mainMetric, newPanel, panelsFrom, panelsText, valuesOf, varying, type ColumnInfo } from './panels'
import { sectionsOf } from './sections'

const column = (name: string, distinct: number, numeric = true, runs = 10): ColumnInfo => ({ name, distinct, numeric, runs })
const SWEEP = [column('params.lr', 3), column('params.seed', 10), column('params.kind', 2, false), column('params.same', 1), column('metrics.acc', 10), column('metrics.rare', 2, true, 2), column('metrics.system/cpu', 10)]

test('panels in a link, whatever the names are', () => {
  const panels = panelsFrom('scatter:params.lr,metrics.acc;bars:metrics.acc')
  expect(panels).toEqual([{ kind: 'scatter', columns: ['params.lr', 'metrics.acc'] }, { kind: 'bars', columns: ['metrics.acc'] }])
  const ugly = [{ kind: 'bars' as const, columns: ['metrics.a,b;c:d%e'] }]
  expect(panelsFrom(panelsText(ugly))).toEqual(ugly)
  expect(panelsFrom('none')).toEqual([])
  expect(panelsFrom('nonsense:x;bars:%')).toEqual([{ kind: 'bars', columns: ['%'] }])
})

test('a sweep begins with its params and what came of them', () => {
  expect(varying(SWEEP, 10).map((one) => one.name)).toEqual(['params.lr', 'params.kind'])
  expect(mainMetric(SWEEP)).toBe('metrics.acc')
  expect(firstPanels(SWEEP, 10)).toEqual([{ kind: 'parallel', columns: ['params.lr', 'params.kind', 'metrics.acc'] }])
  expect(firstPanels(SWEEP, 2)).toEqual([])
  expect(firstPanels([column('metrics.acc', 3)], 10)).toEqual([])
})

test('new panels have something to show', () => {
  expect(newPanel('scatter', SWEEP, 10).columns).toEqual(['params.lr', 'metrics.acc'])
  expect(newPanel('box', SWEEP, 10).columns).toEqual(['metrics.acc', 'params.kind'])
  expect(newPanel('bars', [column('metrics.x', 1)], 1).columns).toEqual(['metrics.x'])
})

test('columns of runs at hand', () => {
  const run = (lr: string, acc?: number) => ({ params: [{ key: 'lr', value: lr }], tags: [{ key: 'mlflow.x', value: '1' }], metrics: new Map(acc === undefined ? [] : [['acc', { value: acc }]]) })
  const found = valuesOf([run('1', 0.5), run('2')])
  expect(found.columns).toEqual([{ name: 'metrics.acc', runs: 1, distinct: 1, numeric: true }, { name: 'params.lr', runs: 2, distinct: 2, numeric: true }])
  expect(found.of('metrics.acc')).toEqual([0.5, undefined])
  expect(found.of('params.no')).toEqual([undefined, undefined])
})

test('sections: three of one step make one, few go together, the system is apart', () => {
  expect(sectionsOf(['t/a', 'x', 't/b', 'v/a', 't/c', 'system/cpu']).map((s) => [s.name, s.metrics])).toEqual([
    ['', ['x', 'v/a']], ['t', ['t/a', 't/b', 't/c']], ['system', ['system/cpu']],
  ])
  expect(sectionsOf([])).toEqual([])
  const many = sectionsOf(Array.from({ length: 200 }, (_, i) => `layer${i % 4}/m${i}`))
  expect(many.map((section) => section.open)).toEqual([true, false, false, false])
})
