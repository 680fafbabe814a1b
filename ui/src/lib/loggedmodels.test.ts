import { describe, expect, test } from 'vitest'
import { filterOf, modelColumns, orderBy, registrations, sortOf, sortText } from './loggedmodels'

const measure = (id: string, dataset: string, differs: boolean) => ({ id: dataset ? `${id} on ${dataset}` : id, key: id, dataset, differs, mixed: false })

test('columns are those that differ, or all', () => {
  const metrics = [measure('acc', 'test', true), measure('same', '', false)]
  const params = [{ id: 'depth', differs: true }, { id: 'epochs', differs: false }]
  const ids = (everything: boolean) => modelColumns(metrics, params, everything).map((c) => c.id).filter((id) => id.includes('.'))
  expect(ids(false)).toEqual(['metrics.acc on test', 'params.depth'])
  expect(ids(true)).toEqual(['metrics.acc on test', 'metrics.same', 'params.depth', 'params.epochs'])
})

describe('sorting', () => {
  test('by a metric on a dataset', () => expect(orderBy([{ id: 'metrics.acc on test', down: true }])).toEqual([{ field_name: 'metrics.acc', ascending: false, dataset_name: 'test' }]))
  test('by a plain metric and the name', () => expect(orderBy(sortOf('metrics.a/b,-name'))).toEqual([{ field_name: 'metrics.a/b', ascending: true }, { field_name: 'name', ascending: false }]))
  test('to the query and back', () => expect(sortText(sortOf('-metrics.acc,name'))).toBe('-metrics.acc,name'))
  test('by nothing', () => expect(sortOf(undefined)).toEqual([]))
})

test.each([
  ['', undefined], ['class', "name ILIKE '%class%'"], ["metrics.acc > 0.9 AND name = 'x'", "metrics.acc > 0.9 AND name = 'x'"], ["name LIKE 'a%'", "name LIKE 'a%'"],
])('%j is the filter %j', (typed, filter) => expect(filterOf(typed)).toBe(filter))

test('registered versions are in a tag', () => {
  expect(registrations([{ key: 'mlflow.modelVersions', value: '[{"name": "churn", "version": 3}]' }])).toEqual([{ name: 'churn', version: '3' }])
  expect(registrations([{ key: 'mlflow.modelVersions', value: '{broken' }])).toEqual([])
  expect(registrations([])).toEqual([])
})
