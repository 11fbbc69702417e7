#!/usr/bin/env node
// Read a workspace in Structurizr's language from standard input with an independent parser; write
// {"errors": [...], "elements": {rule: how many}} as JSON.
'use strict';
const { StructurizrLexer, StructurizrParser } = require('structurizr-parser');

function counted(node, found) {
  found[node.name] = (found[node.name] || 0) + 1;
  for (const children of Object.values(node.children || {})) {
    for (const child of children) if (child.children) counted(child, found);
  }
  return found;
}

let text = '';
process.stdin.on('data', chunk => { text += chunk; });
process.stdin.on('end', () => {
  const lexed = StructurizrLexer.tokenize(text);
  StructurizrParser.input = lexed.tokens;
  const tree = StructurizrParser.workspaceWrapper();
  const errors = [
    ...lexed.errors.map(one => `line ${one.line}: ${one.message}`),
    ...StructurizrParser.errors.map(one => `line ${one.token.startLine}: ${one.message}`),
  ];
  process.stdout.write(JSON.stringify({ errors, elements: errors.length ? {} : counted(tree, {}) }));
});
