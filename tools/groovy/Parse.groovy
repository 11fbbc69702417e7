// Parses each file as Groovy does before it compiles: exit code 1 where one of them is none. Nothing
// of a file is run. Used by groovy-parse, which tools/install-test-tools.sh makes.
import org.codehaus.groovy.control.CompilationFailedException
import org.codehaus.groovy.control.CompilationUnit
import org.codehaus.groovy.control.Phases

int bad = 0
args.each { String name ->
  def unit = new CompilationUnit()
  unit.addSource(new File(name))
  try {
    unit.compile(Phases.CONVERSION)
  } catch (CompilationFailedException failed) {
    bad++
    System.err.println("${name}: ${failed.message}")
  }
}
System.exit(bad ? 1 : 0)
