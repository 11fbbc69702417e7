
      stage('Approve <<environment>>') {
        when { branch '<<branch>>' }
        options { timeout(time: <<approval_hours>>, unit: 'HOURS') }
        steps {
          script {
            input(
              message: "Let ${service.service} into <<environment>>?",
              ok: 'Promote',
              submitter: service.approvers
            )
          }
        }
      }
