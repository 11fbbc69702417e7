// Made by telford of architecture/shop. Change the estate, not this file.
// The pipeline of one service. What a service says of itself is in its Jenkinsfile:
// service, source, image, places, and where they differ dockerfile, target, buildArgs, toolchain
// and approvers (who may let it into production).
def call(Map said) {
  Map service = [
    dockerfile: 'Dockerfile',
    target: '',
    buildArgs: '',
    toolchain: 'docker.io/library/buildpack-deps@sha256:6666666666666666666666666666666666666666666666666666666666666666',
    approvers: '',
  ] + said

  pipeline {
    agent none

    options {
      timeout(time: 96, unit: 'HOURS')
      disableConcurrentBuilds()
      buildDiscarder(logRotator(numToKeepStr: '50'))
    }

    environment {
      SERVICE = "${service.service}"
      SOURCE = "${service.source}"
      IMAGE = "${service.image}"
      PLACES = "${service.places}"
      DOCKERFILE = "${service.dockerfile}"
      TARGET = "${service.target}"
      BUILD_ARGS = "${service.buildArgs}"
    }

    stages {
      stage('Verify') {
        parallel {
          // The sources look as the team agreed.
          stage('Lint') {
            agent {
              docker {
                image "${service.toolchain}"
              }
            }
            options { timeout(time: 15, unit: 'MINUTES') }
            steps { telfordStage('lint') }
          }
          // The sources do what their tests say.
          stage('Test') {
            agent {
              docker {
                image "${service.toolchain}"
              }
            }
            options { timeout(time: 30, unit: 'MINUTES') }
            steps { telfordStage('test') }
          }
        }
      }

      // One image, as a file: what is scanned is what is published.
      stage('Build') {
        agent { label 'docker' }
        options { timeout(time: 30, unit: 'MINUTES') }
        steps {
          telfordStage('build')
          stash(name: 'image', includes: 'image.tar')
        }
      }

      stage('Look inside') {
        parallel {
          // No known weakness that has a remedy.
          stage('Scan') {
            agent {
              docker {
                image 'docker.io/aquasec/trivy@sha256:5555555555555555555555555555555555555555555555555555555555555555'
                args '--entrypoint=""'
              }
            }
            options { timeout(time: 15, unit: 'MINUTES') }
            environment { SEVERITIES = 'HIGH,CRITICAL' }
            steps {
              unstash('image')
              telfordStage('scan')
            }
          }
          // What is inside, as CycloneDX.
          stage('SBOM') {
            agent {
              docker {
                image 'docker.io/aquasec/trivy@sha256:5555555555555555555555555555555555555555555555555555555555555555'
                args '--entrypoint=""'
              }
            }
            options { timeout(time: 15, unit: 'MINUTES') }
            steps {
              unstash('image')
              telfordStage('sbom')
              stash(name: 'sbom', includes: 'sbom.cdx.json')
              archiveArtifacts(artifacts: 'sbom.cdx.json', fingerprint: true)
            }
          }
        }
      }

      // The image goes to its registry; from here on it is known by its digest.
      stage('Publish') {
        when {
          beforeAgent true
          branch 'main'
        }
        agent {
          docker {
            image 'quay.io/skopeo/stable@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
            args '--entrypoint=""'
          }
        }
        options { timeout(time: 15, unit: 'MINUTES') }
        steps {
          unstash('image')
          withCredentials([usernamePassword(
            credentialsId: 'telford-registry',
            usernameVariable: 'REGISTRY_USERNAME',
            passwordVariable: 'REGISTRY_PASSWORD'
          )]) {
            telfordStage('publish')
          }
          script { env.DIGEST = readFile('digest.txt').trim() }
        }
      }

      // Who made it, of which commit, by which run.
      // The digest is signed, with what is inside it and where it comes from; then looked at.
      stage('Sign') {
        when {
          beforeAgent true
          branch 'main'
        }
        agent {
          docker {
            image 'ghcr.io/sigstore/cosign/cosign@sha256:9999999999999999999999999999999999999999999999999999999999999999'
            args '--entrypoint=""'
          }
        }
        options { timeout(time: 10, unit: 'MINUTES') }
        environment {
          BUILD_TYPE = 'https://www.jenkins.io/doc/book/pipeline/'
          BUILDER = "${env.JENKINS_URL}"
          REPOSITORY = 'https://git.shop.example/shop/shop.git'
          RUN = "${env.BUILD_URL}"
          ISSUER = 'https://id.shop.example'
          IDENTITY = "^${env.JENKINS_URL}"
        }
        steps {
          unstash('sbom')
          telfordStage('provenance')
          withCredentials([
            usernamePassword(
              credentialsId: 'telford-registry',
              usernameVariable: 'REGISTRY_USERNAME',
              passwordVariable: 'REGISTRY_PASSWORD'
            ),
            string(credentialsId: 'telford-signing-token', variable: 'SIGSTORE_ID_TOKEN'),
          ]) {
            telfordStage('sign')
          }
        }
      }

      // The digest, step by step, in one place; rolled back by itself where it is worse.
      stage('Promote to dev') {
        when {
          beforeAgent true
          branch 'main'
        }
        agent {
          docker {
            image 'docker.io/library/python@sha256:7777777777777777777777777777777777777777777777777777777777777777'
          }
        }
        options { timeout(time: 360, unit: 'MINUTES') }
        environment {
          PLACE = 'dev'
          ESTATE = 'estate'
          LOCK = 'estate/telford.lock'
        }
        steps {
          withCredentials([
            string(credentialsId: 'telford-store-dev', variable: 'TELFORD_STORE'),
          ]) {
            telfordStage('promote')
          }
        }
      }

      // The digest, step by step, in one place; rolled back by itself where it is worse.
      stage('Promote to staging/eu-west-1') {
        when {
          beforeAgent true
          branch 'main'
        }
        agent {
          docker {
            image 'docker.io/library/python@sha256:7777777777777777777777777777777777777777777777777777777777777777'
          }
        }
        options { timeout(time: 360, unit: 'MINUTES') }
        environment {
          PLACE = 'staging/eu-west-1'
          ESTATE = 'estate'
          LOCK = 'estate/telford.lock'
        }
        steps {
          withCredentials([
            string(credentialsId: 'telford-store-staging', variable: 'TELFORD_STORE'),
          ]) {
            telfordStage('promote')
          }
        }
      }

      stage('Approve prod') {
        when { branch 'main' }
        options { timeout(time: 72, unit: 'HOURS') }
        steps {
          script {
            input(
              message: "Let ${service.service} into prod?",
              ok: 'Promote',
              submitter: service.approvers
            )
          }
        }
      }

      // The digest, step by step, in one place; rolled back by itself where it is worse.
      stage('Promote to prod/eu-west-1') {
        when {
          beforeAgent true
          branch 'main'
        }
        agent {
          docker {
            image 'docker.io/library/python@sha256:7777777777777777777777777777777777777777777777777777777777777777'
          }
        }
        options { timeout(time: 360, unit: 'MINUTES') }
        environment {
          PLACE = 'prod/eu-west-1'
          ESTATE = 'estate'
          LOCK = 'estate/telford.lock'
        }
        steps {
          withCredentials([
            string(credentialsId: 'telford-store-prod', variable: 'TELFORD_STORE'),
          ]) {
            telfordStage('promote')
          }
        }
      }

      // The digest, step by step, in one place; rolled back by itself where it is worse.
      stage('Promote to prod/eu-central-1') {
        when {
          beforeAgent true
          branch 'main'
        }
        agent {
          docker {
            image 'docker.io/library/python@sha256:7777777777777777777777777777777777777777777777777777777777777777'
          }
        }
        options { timeout(time: 360, unit: 'MINUTES') }
        environment {
          PLACE = 'prod/eu-central-1'
          ESTATE = 'estate'
          LOCK = 'estate/telford.lock'
        }
        steps {
          withCredentials([
            string(credentialsId: 'telford-store-prod', variable: 'TELFORD_STORE'),
          ]) {
            telfordStage('promote')
          }
        }
      }
    }
  }
}
