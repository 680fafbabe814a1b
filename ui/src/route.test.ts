import { describe, expect, test } from 'vitest'
import { href, listOf, listText, parse, type Route } from './route'

const RUN = { page: 'run', experiment: '1', run: 'ab', tab: 'overview', path: '' } as const
const MODEL = { page: 'logged-model', experiment: '1', model: 'm-1', tab: 'overview', path: '' } as const

describe('every page has a link of its own', () => {
  const table: [string, Route][] = [
    ['#/', { page: 'home' }],
    ['#/experiments/1', { page: 'runs', experiments: ['1'] }],
    ['#/experiments/1,2', { page: 'runs', experiments: ['1', '2'] }],
    ['#/experiments/1/runs/ab', RUN],
    ['#/experiments/1/runs/ab/parameters', { ...RUN, tab: 'parameters' }],
    ['#/experiments/1/runs/ab/system', { ...RUN, tab: 'system' }],
    ['#/experiments/1/runs/ab/artifacts/a%20b/%23%3F%25.txt', { ...RUN, tab: 'artifacts', path: 'a b/#?%.txt' }],
    ['#/compare-runs?runs=a,b&experiments=1', { page: 'compare', runs: ['a', 'b'], experiments: ['1'] }],
    ['#/metric/val/loss?runs=a&experiments=1', { page: 'compare', runs: ['a'], experiments: ['1'], metric: 'val/loss' }],
    ['#/experiments/1/models', { page: 'logged-models', experiment: '1' }],
    ['#/experiments/1/models/m-1', MODEL],
    ['#/experiments/1/models/m-1/artifacts/x', { ...MODEL, tab: 'artifacts', path: 'x' }],
    ['#/experiments/1/traces', { page: 'traces', experiment: '1', sessions: false }],
    ['#/experiments/1/traces/tr-1', { page: 'trace', experiment: '1', trace: 'tr-1' }],
    ['#/experiments/1/chat-sessions/s', { page: 'traces', experiment: '1', sessions: true, session: 's' }],
    ['#/experiments/1/datasets', { page: 'datasets', experiment: '1' }],
    ['#/experiments/1/datasets/d', { page: 'datasets', experiment: '1', dataset: 'd' }],
    ['#/models', { page: 'models' }],
    ['#/models/a%2Fb%20c', { page: 'model', name: 'a/b c' }],
    ['#/models/n/versions/3', { page: 'version', name: 'n', version: '3' }],
    ['#/models/n/compare?versions=3,4', { page: 'compare-versions', name: 'n', versions: ['3', '4'] }],
    ['#/prompts', { page: 'prompts' }],
    ['#/prompts/p', { page: 'prompt', name: 'p' }],
    ['#/settings', { page: 'settings' }],
  ]
  test.each(table)('%s', (link, route) => {
    expect(parse(link)).toEqual({ route, query: {} })
    expect(href(route)).toBe(link)
  })
})

describe("MLflow's other spellings", () => {
  const table: [string, string][] = [
    ['', '#/'],
    ['#/experiments', '#/'],
    ['#/experiments/1/runs', '#/experiments/1'],
    ['#/experiments/1/s', '#/experiments/1'],
    ['#/experiments/1/overview/usage', '#/experiments/1'],
    [
      '#/experiments/1?searchFilter=metrics.acc+%3E+0.9&orderByKey=metrics.%60acc%60&orderByAsc=false&compareRunsMode=CHART',
      '#/experiments/1?q=metrics.acc+%3E+0.9&sort=-metrics.acc&view=v',
    ],
    ['#/experiments/1?orderByKey=attributes.start_time&orderByAsc=true', '#/experiments/1?sort=attributes.start_time'],
    ['#/compare-experiments/s?experiments=["1","2"]', '#/experiments/1,2'],
    ['#/compare-experiments/s?experiments=%5B%221%22%2C%222%22%5D', '#/experiments/1,2'],
    ['#/experiments/1/runs/ab/model-metrics', '#/experiments/1/runs/ab/metrics'],
    ['#/experiments/1/runs/ab/system-metrics', '#/experiments/1/runs/ab/system'],
    ['#/experiments/1/runs/ab/artifactPath/model/MLmodel', '#/experiments/1/runs/ab/artifacts/model/MLmodel'],
    ['#/experiments/1/evaluation-runs/ab', '#/experiments/1/runs/ab'],
    ['#/experiments/1/evaluation-runs?selectedRunUuid=ab', '#/experiments/1/runs/ab'],
    ['#/compare-runs?runs=["a","b"]&experiments=["1"]', '#/compare-runs?runs=a,b&experiments=1'],
    ['#/metric/loss?runs=["a"]&experiments=["1"]', '#/metric/loss?runs=a&experiments=1'],
    ['#/experiments/1/traces?selectedEvaluationId=tr-1', '#/experiments/1/traces/tr-1'],
    ['#/compare-model-versions?name="n"&runs={"a":"3","b":"4"}', '#/models/n/compare?versions=3,4'],
    ['#/models/n/3', '#/models/n/versions/3'],
  ]
  test.each(table)('%s is %s', (given, canonical) => {
    const { route, query } = parse(given)
    expect(href(route, query)).toBe(canonical)
  })
})

test('the query survives', () => {
  const filter = 'params.`a b` = "50% + x" and metrics.m > 1'
  const { route, query } = parse(href({ page: 'runs', experiments: ['1'] }, { q: filter, sort: '-metrics.acc' }))
  expect(route).toEqual({ page: 'runs', experiments: ['1'] })
  expect(query).toEqual({ q: filter, sort: '-metrics.acc' })
})

test('what nobody knows is missing, and keeps its path', () => {
  expect(parse('#/gateway/endpoints').route).toEqual({ page: 'missing', path: '/gateway/endpoints' })
  expect(parse('#/experiments/1/nonsense').route).toEqual({ page: 'missing', path: '/experiments/1/nonsense' })
  expect(parse('#/models/n/versions').route).toMatchObject({ page: 'missing' })
})

test('a broken escape does not break the page', () => {
  expect(parse('#/models/%E0%A4%A').route).toEqual({ page: 'model', name: '%E0%A4%A' })
})

test.each([[['a', 'b']], [['a,b', 'c']], [['["x"]']], [[]]])('a list as text and back: %j', (list) => {
  expect(listOf(listText(list))).toEqual(list)
})
