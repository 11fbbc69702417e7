// The objects of tools/bench_estate.py with cdk8s: node services.mjs VALUES.json OUT_FOLDER.
// Used by tools/bench_build.py.
import { readFileSync } from 'node:fs';
import { ApiObject, App, Chart } from 'cdk8s';

const [, , file, outdir] = process.argv;
const values = JSON.parse(readFileSync(file, 'utf8'));

const selector = (name, system) => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/component': 'service',
  'app.kubernetes.io/part-of': system,
});

const probe = (path, periodSeconds) => ({ httpGet: { path, port: 'http' }, periodSeconds });

function podSpec(s, mine) {
  const spread = ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: mine },
  }));
  return {
    serviceAccountName: s.name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    ...(s.least > 1 ? { topologySpreadConstraints: spread } : {}),
    containers: [
      {
        name: 'main',
        image: s.image,
        ports: [{ name: 'http', containerPort: 8080 }],
        env: Object.entries(s.env).map(([name, value]) => ({ name, value })),
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
        readinessProbe: probe('/ready', 5),
        livenessProbe: probe('/live', 10),
        startupProbe: { ...probe('/ready', 2), failureThreshold: 30 },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [{ name: 'scratch', mountPath: '/tmp' }],
      },
    ],
    volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '64Mi' } }],
    priorityClassName: `tier-${s.tier}`,
  };
}

function* objects(s, environment) {
  const mine = selector(s.name, s.system);
  const labels = {
    ...mine,
    'app.kubernetes.io/managed-by': 'telford',
    'telford.dev/environment': environment,
    'telford.dev/tier': s.tier,
  };
  const address = { 'telford.dev/address': `service/${s.system}.${s.name}` };
  const metadata = {
    name: s.name,
    namespace: environment,
    labels,
    annotations: { ...address, 'telford.dev/owner': 'team/platform' },
  };
  const peer = (side, name) => ({
    [side]: [{ podSelector: { matchLabels: selector(name, s.system) } }],
    ports: [{ protocol: 'TCP', port: 8080 }],
  });
  yield { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false };
  yield {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: {
      podSelector: { matchLabels: mine },
      policyTypes: ['Ingress', 'Egress'],
      ingress: s.callers.map((name) => peer('from', name)),
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
              podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
            },
          ],
          ports: [
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
        ...s.uses.map((name) => peer('to', name)),
      ],
    },
  };
  yield {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      ...(s.replicas === null ? {} : { replicas: s.replicas }),
      revisionHistoryLimit: 3,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: mine },
      template: { metadata: { labels, annotations: address }, spec: podSpec(s, mine) },
    },
  };
  yield {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      type: 'ClusterIP',
      selector: mine,
      ports: [{ name: 'http', port: 8080, targetPort: 'http' }],
    },
  };
  if (s.replicas === null) {
    yield {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata,
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: s.name },
        minReplicas: 3,
        maxReplicas: 9,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
          },
        ],
      },
    };
  }
  if (s.least > 1) {
    yield {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata,
      spec: {
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: { matchLabels: mine },
      },
    };
  }
}

const app = new App({ outdir });
for (const s of values.services) {
  const chart = new Chart(app, s.name, { disableResourceNameHashes: true });
  for (const object of objects(s, values.environment)) {
    new ApiObject(chart, `${object.kind}`, object);
  }
}
app.synth();
