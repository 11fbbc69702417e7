
      // <<summary.promote>>.
      stage('Promote to <<place>>') {
        when {
          beforeAgent true
          branch '<<branch>>'
        }
        agent {
          docker {
            image '<<python>>'
          }
        }
        options { timeout(time: <<minutes.promote>>, unit: 'MINUTES') }
        environment {
          PLACE = '<<place>>'
          ESTATE = '<<estate>>'
          LOCK = '<<lock>>'
        }
        steps {
          withCredentials([
            string(credentialsId: '<<credential.store>>-<<environment>>', variable: 'TELFORD_STORE'),
          ]) {
            telfordStage('promote')
          }
        }
      }
