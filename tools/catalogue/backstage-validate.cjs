#!/usr/bin/env node
// Judge a catalogue as Backstage does: its policies of entities, the schema of each kind, and that
// every reference means an entity of the same catalogue. Reads a JSON list of entities from
// standard input; writes {"errors": [...], "relations": [[source, type, target], ...]}.
'use strict';
const model = require('@backstage/catalog-model');

const POLICIES = model.EntityPolicies.allOf([
  new model.SchemaValidEntityPolicy(),
  new model.DefaultNamespaceEntityPolicy(),
  new model.NoForeignRootFieldsEntityPolicy(),
  new model.FieldFormatEntityPolicy(),
]);
const KINDS = {
  api: model.apiEntityV1alpha1Validator,
  component: model.componentEntityV1alpha1Validator,
  domain: model.domainEntityV1alpha1Validator,
  group: model.groupEntityV1alpha1Validator,
  location: model.locationEntityV1alpha1Validator,
  resource: model.resourceEntityV1alpha1Validator,
  system: model.systemEntityV1alpha1Validator,
  user: model.userEntityV1alpha1Validator,
};
// Field of `spec` -> the kind that a reference in it means where it names none.
const REFERENCES = {
  owner: 'group', system: 'system', domain: 'domain', parent: 'group', children: 'group',
  memberOf: 'group', members: 'user', providesApis: 'api', consumesApis: 'api',
  dependsOn: 'component', dependencyOf: 'component', subcomponentOf: 'component',
};

function references(entity) {
  const found = [];
  for (const [field, kind] of Object.entries(REFERENCES)) {
    const said = (entity.spec || {})[field];
    for (const text of said === undefined ? [] : [].concat(said)) {
      const context = { defaultKind: kind, defaultNamespace: 'default' };
      found.push([field, model.stringifyEntityRef(model.parseEntityRef(text, context))]);
    }
  }
  return found;
}

async function judged(entities) {
  const errors = [];
  const relations = [];
  const known = new Set();
  for (const entity of entities) {
    let name = `${entity.kind}/${(entity.metadata || {}).name}`;
    try {
      await POLICIES.enforce(entity);
      const validator = KINDS[String(entity.kind).toLowerCase()];
      if (!validator || !(await validator.check(entity))) {
        errors.push(`${name}: no kind that Backstage knows`);
      }
      name = model.stringifyEntityRef(entity);
      if (known.has(name)) errors.push(`${name}: there are two`);
      known.add(name);
      for (const [field, target] of references(entity)) relations.push([name, field, target]);
    } catch (error) {
      errors.push(`${name}: ${error.message}`);
    }
  }
  for (const [source, field, target] of relations) {
    if (!known.has(target)) errors.push(`${source}: ${field} means ${target}, which is not there`);
  }
  return { errors, relations };
}

let text = '';
process.stdin.on('data', chunk => { text += chunk; });
process.stdin.on('end', async () => {
  process.stdout.write(JSON.stringify(await judged(JSON.parse(text))));
});
