<<heading>>
// The pipeline of one service. What a service says of itself is in its Jenkinsfile:
// service, source, image, places, and where they differ dockerfile, target, buildArgs, toolchain
// and approvers (who may let it into production).
def call(Map said) {
  Map service = [
    dockerfile: 'Dockerfile',
    target: '',
    buildArgs: '',
    toolchain: '<<toolchain>>',
    approvers: '',
  ] + said

  pipeline {
    agent none

    options {
      timeout(time: <<hours>>, unit: 'HOURS')
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
          // <<summary.lint>>.
          stage('Lint') {
            agent {
              docker {
                image "${service.toolchain}"
              }
            }
            options { timeout(time: <<minutes.lint>>, unit: 'MINUTES') }
            steps { telfordStage('lint') }
          }
          // <<summary.test>>.
          stage('Test') {
            agent {
              docker {
                image "${service.toolchain}"
              }
            }
            options { timeout(time: <<minutes.test>>, unit: 'MINUTES') }
            steps { telfordStage('test') }
          }
        }
      }

      // <<summary.build>>.
      stage('Build') {
        agent { label '<<docker_label>>' }
        options { timeout(time: <<minutes.build>>, unit: 'MINUTES') }
        steps {
          telfordStage('build')
          stash(name: 'image', includes: 'image.tar')
        }
      }

      stage('Look inside') {
        parallel {
          // <<summary.scan>>.
          stage('Scan') {
            agent {
              docker {
                image '<<trivy>>'
                args '--entrypoint=""'
              }
            }
            options { timeout(time: <<minutes.scan>>, unit: 'MINUTES') }
            environment { SEVERITIES = '<<severities>>' }
            steps {
              unstash('image')
              telfordStage('scan')
            }
          }
          // <<summary.sbom>>.
          stage('SBOM') {
            agent {
              docker {
                image '<<trivy>>'
                args '--entrypoint=""'
              }
            }
            options { timeout(time: <<minutes.sbom>>, unit: 'MINUTES') }
            steps {
              unstash('image')
              telfordStage('sbom')
              stash(name: 'sbom', includes: 'sbom.cdx.json')
              archiveArtifacts(artifacts: 'sbom.cdx.json', fingerprint: true)
            }
          }
        }
      }

      // <<summary.publish>>.
      stage('Publish') {
        when {
          beforeAgent true
          branch '<<branch>>'
        }
        agent {
          docker {
            image '<<skopeo>>'
            args '--entrypoint=""'
          }
        }
        options { timeout(time: <<minutes.publish>>, unit: 'MINUTES') }
        steps {
          unstash('image')
          withCredentials([usernamePassword(
            credentialsId: '<<credential.registry>>',
            usernameVariable: 'REGISTRY_USERNAME',
            passwordVariable: 'REGISTRY_PASSWORD'
          )]) {
            telfordStage('publish')
          }
          script { env.DIGEST = readFile('digest.txt').trim() }
        }
      }

      // <<summary.provenance>>.
      // <<summary.sign>>.
      stage('Sign') {
        when {
          beforeAgent true
          branch '<<branch>>'
        }
        agent {
          docker {
            image '<<cosign>>'
            args '--entrypoint=""'
          }
        }
        options { timeout(time: <<minutes.sign>>, unit: 'MINUTES') }
        environment {
          BUILD_TYPE = 'https://www.jenkins.io/doc/book/pipeline/'
          BUILDER = "${env.JENKINS_URL}"
          REPOSITORY = '<<repository>>'
          RUN = "${env.BUILD_URL}"
          ISSUER = '<<issuer>>'
          IDENTITY = "^${env.JENKINS_URL}"
        }
        steps {
          unstash('sbom')
          telfordStage('provenance')
          withCredentials([
            usernamePassword(
              credentialsId: '<<credential.registry>>',
              usernameVariable: 'REGISTRY_USERNAME',
              passwordVariable: 'REGISTRY_PASSWORD'
            ),
            string(credentialsId: '<<credential.signing>>', variable: 'SIGSTORE_ID_TOKEN'),
          ]) {
            telfordStage('sign')
          }
        }
      }
<<promotions>>
    }
  }
}
