// The objects of tools/bench_estate.py, one list a place. Used by tools/bench_build.py.
local selector(name, system) = {
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/component': 'service',
  'app.kubernetes.io/part-of': system,
};

local service(s, environment) =
  local mine = selector(s.name, s.system);
  local labels = mine {
    'app.kubernetes.io/managed-by': 'telford',
    'telford.dev/environment': environment,
    'telford.dev/tier': s.tier,
  };
  local metadata = {
    name: s.name,
    namespace: environment,
    labels: labels,
    annotations: {
      'telford.dev/address': 'service/%s.%s' % [s.system, s.name],
      'telford.dev/owner': 'team/platform',
    },
  };
  local peer(side, name) = {
    [side]: [{ podSelector: { matchLabels: selector(name, s.system) } }],
    ports: [{ protocol: 'TCP', port: 8080 }],
  };
  local probe(path, period) = { httpGet: { path: path, port: 'http' }, periodSeconds: period };
  [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata, automountServiceAccountToken: false },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: metadata,
      spec: {
        podSelector: { matchLabels: mine },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [peer('from', name) for name in s.callers],
        egress: [{
          to: [{
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
            podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
          }],
          ports: [{ protocol: 'UDP', port: 53 }, { protocol: 'TCP', port: 53 }],
        }] + [peer('to', name) for name in s.uses],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: metadata,
      spec: {
        [if s.replicas != null then 'replicas']: s.replicas,
        revisionHistoryLimit: 3,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        selector: { matchLabels: mine },
        template: {
          metadata: {
            labels: labels,
            annotations: { 'telford.dev/address': 'service/%s.%s' % [s.system, s.name] },
          },
          spec: {
            serviceAccountName: s.name,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
            [if s.least > 1 then 'topologySpreadConstraints']: [
              {
                maxSkew: 1,
                topologyKey: key,
                whenUnsatisfiable: 'ScheduleAnyway',
                labelSelector: { matchLabels: mine },
              }
              for key in ['topology.kubernetes.io/zone', 'kubernetes.io/hostname']
            ],
            containers: [{
              name: 'main',
              image: s.image,
              ports: [{ name: 'http', containerPort: 8080 }],
              env: [{ name: name, value: s.env[name] } for name in std.objectFields(s.env)],
              resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
              readinessProbe: probe('/ready', 5),
              livenessProbe: probe('/live', 10),
              startupProbe: probe('/ready', 2) { failureThreshold: 30 },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [{ name: 'scratch', mountPath: '/tmp' }],
            }],
            volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '64Mi' } }],
            priorityClassName: 'tier-' + s.tier,
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata,
      spec: {
        type: 'ClusterIP',
        selector: mine,
        ports: [{ name: 'http', port: 8080, targetPort: 'http' }],
      },
    },
  ] + (if s.replicas != null then [] else [{
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadata,
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: s.name },
      minReplicas: 3,
      maxReplicas: 9,
      metrics: [{
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
      }],
    },
  }]) + (if s.least <= 1 then [] else [{
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata,
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: mine },
    },
  }]);

function(values)
  std.manifestYamlStream(
    std.flattenArrays([service(s, values.environment) for s in values.services]),
    indent_array_in_object=false, c_document_end=false, quote_keys=false
  )
