"""The keys of batchd's configuration files, of its present and its older versions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from jobs.config.text.schema import Shape

YES = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False}


def _spoken(value: object) -> object:
    """What batchd's reader takes for true and false."""
    return YES.get(value.lower(), value) if isinstance(value, str) else value


def _as_text(value: object) -> object:
    """Numbers and words where batchd wants text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def _as_lines(value: object) -> object:
    return value.split("\n") if isinstance(value, str) else value


def _as_list(value: object) -> object:
    """Parameters as older files have them: `{name: type}`."""
    return [{"name": name, "type": kind} for name, kind in value.items()] if isinstance(value, dict) else value


def _titled(value: object) -> object:
    """ "retry" alone, or an object in which nothing more is said."""
    if isinstance(value, dict) and value.get("retry", value) is None:
        return {"retry": {}}
    return value


Flag = Annotated[bool, BeforeValidator(_spoken)]
Text = Annotated[str, BeforeValidator(_as_text)]
Lines = Annotated[list[Text], BeforeValidator(_as_lines)]
Texts = dict[str, Text]
Count = Annotated[int, Field(ge=1)]


class ParameterFile(Shape):
    """A parameter of a job type."""

    name: str
    type: str = "String"
    title: Text | None = None
    default: Text | None = None


class RetryShape(Shape):
    when: Literal["now", "later"] = "now"
    count: Count = 1


class OnFailShape(Shape):
    retry: RetryShape


class JobTypeFile(Shape):
    """jobtypes/NAME.yaml"""

    name: Text
    template: Lines
    params: Annotated[list[ParameterFile], BeforeValidator(_as_list)] = Field(default_factory=list)
    title: Text | None = None
    syntax: str | None = None
    on_fail: Annotated[Literal["continue", "retry"] | OnFailShape, BeforeValidator(_titled)] = "continue"
    host_name: str | None = None
    max_jobs: Count | None = None


class HostFile(Shape):
    """hosts/NAME.yaml. What belongs to a controller stands in a block of the controller's name."""

    name: Text
    host_name: Text
    user_name: Text
    controller_id: Text | None = None
    public_key: str | None = None
    private_key: str | None = None
    passphrase: Text = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    max_jobs: Count | None = None
    controller: str = "local"
    startup_time: int | None = None
    shutdown_timeout: int | None = None
    input_directory: str = "."
    output_directory: str = "."
    scripts_directory: str | None = None
    startup_commands_on_host: Lines = Field(default_factory=list)
    startup_commands_on_dispatcher: Lines = Field(default_factory=list)
    startup_commands: Lines = Field(default_factory=list)
    variables: Texts = Field(default_factory=dict)


class ControllerFile(Shape):
    """controllers/NAME.yaml"""

    driver: Literal["local", "libvirt", "docker", "awsec2", "linode"]
    enable_start_stop: Flag = True
    connection_string: str | None = None
    unix_socket: str | None = None
    base_url: str | None = None
    region: str | None = None
    credentials: str | dict[str, Any] | None = None
    token_file: str | None = None
    actions: Literal["boot_and_shutdown", "create_and_delete"] | None = None


class WebClientShape(Shape):
    path: str | None = None
    allowed_origin: str | None = None


class AuthShape(Shape):
    basic: Flag = True
    header: Flag = False
    static_salt: Text | None = None


Auth = Literal["disable"] | AuthShape


class ServerShape(Shape):
    port: int | None = None
    auth: Auth | None = None
    web_client: WebClientShape | None = None


class DispatcherShape(Shape):
    workers: Count | None = None
    poll_timeout: int | None = None


class StorageShape(Shape):
    done_jobs: int | None = None
    metric_records: int | None = None


class MainFile(Shape):
    """batchd.yaml"""

    daemon: str | None = None
    driver: str | None = None
    connection_string: str | None = None
    connection_pool_size: int | None = None
    logging: dict[str, Any] | None = None
    server: ServerShape | None = Field(default=None, alias="manager")
    dispatcher: DispatcherShape | None = None
    default_template_syntax: str | None = None
    default_scripts_directory: str | None = None
    metrics: dict[str, Any] | None = None
    storage: StorageShape | None = None
    variables: Texts = Field(default_factory=dict)
    # As older versions have them.
    auth: Auth | None = None
    manager_port: int | None = None
    workers: Count | None = None
    poll_timeout: int | None = None
    web_client_path: str | None = None
    allowed_origin: str | None = None
    store_done: int | None = None
    log_level: str | None = None
