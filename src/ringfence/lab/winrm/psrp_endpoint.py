"""A PowerShell endpoint in Python: psrpcore speaks the protocol, the simulated host does the work.

It knows one program, ringfence's own; to everything else it answers as PowerShell would answer to something that is not
there. The fragments are those of MS-PSRP 2.2.4, 32 KiB as Windows PowerShell cuts them.
"""

import threading
import uuid
from collections.abc import Callable, Sequence

import psrpcore
from psrpcore import types

from ringfence.batch.jea import FUNCTION
from ringfence.lab.winrm import soap
from ringfence.lab.winrm.shells import Outbox

FRAGMENT = 32 * 1024

_NOT_RECOGNIZED = ("The term '{0}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
                   "Check the spelling of the name, or if a path was included, verify that the path is correct and try "
                   "again.")
_NO_LANGUAGE = "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode."
_VERSIONS = {"PSVersion": types.PSVersion("5.1.20348.1"), "PSEdition": "Desktop", "WSManStackVersion":
             types.PSVersion("3.0"), "CLRVersion": types.PSVersion("4.0.30319.42000")}


class PipelineError(Exception):
    """Why a pipeline cannot run, as the parts of an error record."""

    def __init__(self, message: str, id: str, category: types.ErrorCategory, exception: str, target: str = "") -> None:
        self.message, self.id, self.category, self.exception, self.target = message, id, category, exception, target
        super().__init__(message)


class PowerShellEndpoint:
    """The engine behind one shell. `batch` runs a batch line; `start` runs something in a thread of the server.

    `constants`: the script texts that are known, or None where only the function is (a JEA endpoint, NoLanguage mode).
    """

    def __init__(self, batch: Callable[[str], str], constants: Sequence[str] | None, outbox: Outbox,
                 start: Callable[[Callable[[], None], str], None]) -> None:
        self._batch, self._constants, self._start = batch, constants, start
        self._input: dict[uuid.UUID, list[str]] = {}
        self._lock = threading.Lock()
        self._pool = psrpcore.ServerRunspacePool(application_private_data={"PSVersionTable": dict(_VERSIONS)})
        self._outboxes: dict[uuid.UUID | None, Outbox] = {None: outbox}

    def open(self, creation: bytes) -> None:
        """The first fragments of a session: capabilities and pool settings."""
        self._feed(creation, None)

    def command(self, id: str, line: str, arguments: Sequence[str], outbox: Outbox) -> None:
        """A new pipeline; its first fragment comes as the argument of the command."""
        del line
        pipeline = _uuid(id)
        with self._lock:
            self._outboxes[pipeline] = outbox
            psrpcore.ServerPipeline(self._pool, pipeline)
        self._feed(soap.from_base64("".join(arguments)), pipeline)

    def send(self, id: str, stream: str, data: bytes, end: bool) -> None:
        """More fragments for the pool or a pipeline."""
        del end
        if stream not in ("stdin", "pr"):
            raise soap.bad_request(f"there is no stream {stream}")
        self._feed(data, _uuid(id) if id else None)

    def signal(self, id: str, code: str) -> None:
        """Stop a pipeline (ctrl_c) or forget it (terminate)."""
        pipeline = self._pool.pipeline_table.get(_uuid(id))
        with self._lock:
            if pipeline is not None and pipeline.state == types.PSInvocationState.Running:
                pipeline.stop()
                self._flush()
                self._outboxes[pipeline.pipeline_id].finish()
            if code.casefold().endswith("/terminate"):
                self._pool.pipeline_table.pop(_uuid(id), None)
                self._outboxes.pop(_uuid(id), None)

    def close(self) -> None:
        """Nothing to give back: a batch that still runs ends by itself, its answer goes nowhere."""
        with self._lock:
            self._pool.pipeline_table.clear()

    def _feed(self, data: bytes, pipeline: uuid.UUID | None) -> None:
        with self._lock:
            try:
                self._pool.receive_data(psrpcore.PSRPPayload(data, psrpcore.StreamType.default, pipeline))
                while event := self._pool.next_event():
                    self._act(event)
            except Exception as error:  # psrpcore raises errors of struct, XML, types: the peer's fragments are wrong
                raise soap.bad_request(f"not a PowerShell remoting message: {error}") from None
            self._flush()

    def _act(self, event: object) -> None:
        if isinstance(event, psrpcore.CreatePipelineEvent) and event.pipeline_id is not None:
            pipeline = self._pool.pipeline_table[event.pipeline_id]
            pipeline.start()
            if event.pipeline.no_input:
                self._start(lambda: self._run(pipeline, []), "lab-pipeline")
        elif isinstance(event, psrpcore.PipelineInputEvent) and event.pipeline_id is not None:
            self._input.setdefault(event.pipeline_id, []).append(str(event.data))
        elif isinstance(event, psrpcore.EndOfPipelineInputEvent) and event.pipeline_id is not None:
            pipeline, told = self._pool.pipeline_table[event.pipeline_id], self._input.pop(event.pipeline_id, [])
            self._start(lambda: self._run(pipeline, told), "lab-pipeline")
        elif isinstance(event, psrpcore.GetCommandMetadataEvent) and event.pipeline_id is not None:
            pipeline = self._pool.pipeline_table[event.pipeline_id]
            pipeline.start()
            self._fail(pipeline, _not_recognized(", ".join(event.pipeline.name)))
            self._flush()
            self._outboxes[event.pipeline_id].finish()
        elif isinstance(event, psrpcore.GetAvailableRunspacesEvent):
            self._pool.runspace_availability_response(event.ci, self._pool.max_runspaces)
        elif isinstance(event, psrpcore.SetMaxRunspacesEvent | psrpcore.SetMinRunspacesEvent |
                        psrpcore.ResetRunspaceStateEvent):
            self._pool.runspace_availability_response(event.ci, True)

    def _run(self, pipeline: psrpcore.ServerPipeline, told: list[str]) -> None:
        outbox = self._outboxes[pipeline.pipeline_id]
        failure = output = None
        try:
            self._check(pipeline)
            output = self._batch(told[0] if told else "")
        except PipelineError as error:
            failure = error
        except ConnectionError:
            outbox.cut()
            return
        except Exception as error:  # a defect of the simulator must not look like a host that hangs
            outbox.cut()
            raise RuntimeError("the simulated host failed") from error
        with self._lock:
            if pipeline.state != types.PSInvocationState.Running:
                return
            if failure is not None:
                self._fail(pipeline, failure)
            else:
                pipeline.write_output(output)
                pipeline.complete()
            self._flush()
        outbox.finish()

    def _check(self, pipeline: psrpcore.ServerPipeline) -> None:
        """Whether this endpoint knows the pipeline. Raises PipelineError."""
        assert isinstance(pipeline.metadata, psrpcore.PowerShell)
        commands = pipeline.metadata.commands
        first = commands[0]
        if self._constants is None:
            if any(command.is_script for command in commands):
                raise PipelineError(_NO_LANGUAGE, "ScriptsNotAllowed", types.ErrorCategory.ParserError, "ParseException")
            if first.command_text.casefold() != FUNCTION.casefold():
                raise _not_recognized(first.command_text)
            if len(commands) > 1:
                raise _not_recognized(commands[1].command_text)
        elif not first.is_script:
            raise _not_recognized(first.command_text)
        elif len(commands) > 1 or first.command_text.replace("\r\n", "\n") not in {
                text.replace("\r\n", "\n") for text in self._constants}:
            raise PipelineError("This simulated host runs ringfence's own script and no other.", "ringfence.lab.UnknownScript",
                                types.ErrorCategory.NotImplemented, "NotSupportedException")
        _check_parameters(first)

    def _fail(self, pipeline: psrpcore.ServerPipeline, error: PipelineError) -> None:
        exception = types.NETException(Message=error.message, HResult=-2146233087)
        exception.PSObject.type_names = [f"System.Management.Automation.{error.exception}",
                                         "System.Management.Automation.RuntimeException", "System.Exception",
                                         "System.Object"]
        category = types.ErrorCategoryInfo(Category=error.category, Reason=error.exception,
                                           TargetName=error.target, TargetType="String" if error.target else "")
        record = types.ErrorRecord(Exception=exception, CategoryInfo=category, TargetObject=error.target or None,
                                   FullyQualifiedErrorId=error.id)
        pipeline.state = types.PSInvocationState.Failed
        pipeline.prepare_message(types.PipelineState(PipelineState=int(types.PSInvocationState.Failed),
                                                     ExceptionAsErrorRecord=record))

    def _flush(self) -> None:
        while payload := self._pool.data_to_send(FRAGMENT):
            if outbox := self._outboxes.get(payload.pipeline_id):
                outbox.put("stdout", payload.data)


def _not_recognized(name: str) -> PipelineError:
    return PipelineError(_NOT_RECOGNIZED.format(name), "CommandNotFoundException", types.ErrorCategory.ObjectNotFound,
                         "CommandNotFoundException", name)


def _check_parameters(command: psrpcore.Command) -> None:
    """The batch is input: there are no parameters. Raises PipelineError as PowerShell's binder does."""
    for name, _ in command.parameters:
        raise PipelineError(f"A parameter cannot be found that matches parameter name '{name}'.",
                            f"NamedParameterNotFound,{FUNCTION}", types.ErrorCategory.InvalidArgument,
                            "ParameterBindingException")


def _uuid(id: str) -> uuid.UUID:
    try:
        return uuid.UUID(id)
    except ValueError:
        raise soap.bad_request(f"{id!r} is not a command id") from None
