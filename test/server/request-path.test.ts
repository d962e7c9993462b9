import { describe, expect, it } from 'vitest';
import { displayedPath, routedUrl } from '../../src/server/request-path.ts';

describe('where a request is routed to', () => {
  it.each([
    ['/v1/v1/models', '/v1/models'],
    ['//v1//v1/v1/models?x=/v1/v1', '/v1/models?x=/v1/v1'],
    ['/v1/v1', '/v1'],
    ['/v1/v1?x', '/v1?x'],
    ['*', '/*'],
    ['/v1/models', '/v1/models'],
    ['/v1/v10/models', '/v1/v10/models'],
    ['/v11/v1/models', '/v11/v1/models'],
    ['/v1/models/v1/v1', '/v1/models/v1/v1'],
    ['/models?x=/v1/v1', '/models?x=/v1/v1'],
    ['http://host:1/v1/v1/models', '/v1/models'],
    ['http://host', '/'],
    ['http://host?x', '/?x'],
    ['HTTPS://user:secret@host//v1/v1/models?x', '/v1/models?x'],
    ['/models?x=http://host/v1/v1', '/models?x=http://host/v1/v1'],
  ])('%s: %s', (url, expected) => {
    expect(routedUrl(url)).toBe(expected);
  });
});

describe('a path as messages and the log show it', () => {
  it.each([
    ['/a?key=secret', '/a'],
    ['/a#secret', '/a'],
    ['http://user:secret@host/a?key=secret', '/a'],
    ['/a\u001b[31m\u0085\n\u00e9', '/a?[31m???'],
    [`/${'x'.repeat(1000)}`, `/${'x'.repeat(199)}`],
  ])('%j: %j', (url, expected) => {
    expect(displayedPath(url)).toBe(expected);
  });
});
