"""Files of a configuration: include, -T, -c, -p and -g."""

BARE = "daemon off;\npid logs/server.pid;\nerror_log logs/error.log;\nevents { use %ENGINE%; }\n"
SITE = "http { server { listen 127.0.0.1:%PORT%; include sites/*.conf; location / { return 200 none; } } }\n"


def test_include_takes_files_in_the_order_of_their_names(new_server):
    server = new_server(config=BARE + SITE, files={
        "conf/sites/b.conf": "location ~ /x { return 200 b; }", "conf/sites/a.conf": "location ~ /x { return 200 a; }",
        "conf/sites/c.txt": "this is not included",
    }).start()
    assert server.get("/x").text == "a"


def test_a_pattern_may_match_nothing(new_server):
    server = new_server(config=BARE + SITE).start()
    assert server.get("/x").text == "none"


def test_a_plain_name_must_be_there(new_server):
    server = new_server(config="events { }\ninclude sites/a.conf;")
    server.expect(r"\[emerg\]")
    done = server.run("-t")
    assert done.returncode == 1
    assert f'open() "{server.path("conf/sites/a.conf")}" failed (2: No such file or directory) in ' in done.stderr


def test_include_is_relative_to_the_configuration_and_root_to_the_prefix(new_server):
    server = new_server(files={"conf/deep/a.conf": "include deep/b.conf;", "conf/deep/b.conf": "root elsewhere;",
                               "elsewhere/file": "found"},
                        server="location /file { include deep/a.conf; }").start()
    assert server.get("/file").text == "found"


def test_include_works_in_every_block(new_server):
    server = new_server(config="include main.conf;\nevents { include events.conf; }\n"
                               "http { types { include types.conf; } include http.conf; }\n",
                        files={"conf/main.conf": "daemon off; pid logs/server.pid; error_log logs/error.log;",
                               "conf/types.conf": "text/test test;", "html/a.test": "a"})
    server.write("conf/events.conf", f"use {server.engine};")
    server.write("conf/http.conf", f"server {{ listen 127.0.0.1:{server.port()}; include location.conf; }}")
    server.write("conf/location.conf", "location / { root html; }")
    server.start()
    assert server.get("/a.test").header("Content-Type") == "text/test"


def test_an_included_file_must_close_what_it_opens(new_server):
    for text, sentence in (("server {\n", 'unexpected end of file, expecting "}" in '),
                           ("server { } }\n", 'unexpected "}" in ')):
        server = new_server(config="events { }\nhttp { include part.conf; }", files={"conf/part.conf": text})
        server.expect(r"\[emerg\]")
        done = server.run("-t")
        assert done.returncode == 1
        assert sentence + server.path("conf/part.conf") in done.stderr


def test_files_that_include_each_other_are_refused(new_server):
    server = new_server(config="events { }\ninclude a.conf;",
                        files={"conf/a.conf": "include b.conf;", "conf/b.conf": "include a.conf;"})
    server.expect(r"\[emerg\]")
    assert server.run("-t").returncode == 1


def test_big_t_prints_every_file_once_in_order_of_opening(new_server):
    texts = {"conf/a.conf": "# a\n", "conf/b.conf": "# b, without an end of line"}
    config = BARE + "include b.conf;\ninclude a.conf;\ninclude b.conf;\nhttp { include *.conf.part; }\n"
    server = new_server(config=config, files=texts)
    done = server.run("-T")
    main = server.path("conf/server.conf")
    expected = "".join(f"# configuration file {server.path(name)}:\n{text}\n" for name, text in
                       [("conf/server.conf", server.read("conf/server.conf")), ("conf/b.conf", texts["conf/b.conf"]),
                        ("conf/a.conf", texts["conf/a.conf"])])
    assert (done.returncode, done.stdout) == (0, expected)
    assert done.stderr == (f"server: the configuration file {main} syntax is ok\n"
                           f"server: configuration file {main} test is successful\n")


def test_big_t_with_q_prints_the_files_only(new_server):
    server = new_server(config=BARE)
    path = server.path("conf/server.conf")
    done = server.run("-Tq")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"# configuration file {path}:\n{server.read(path)}\n"


def test_big_t_prints_nothing_of_a_refused_configuration(new_server):
    server = new_server(config=BARE + "unknown_one;")
    server.expect(r"\[emerg\]")
    done = server.run("-T")
    assert (done.returncode, done.stdout) == (1, "")


def test_g_is_read_before_the_file_and_shares_its_context(new_server):
    server = new_server(config=BARE)
    server.expect(r"\[emerg\]")
    done = server.run("-t", "-g", "daemon on;")
    assert done.returncode == 1
    assert f'"daemon" directive is duplicate in {server.path("conf/server.conf")}:1' in done.stderr


def test_g_takes_no_blocks(new_server):
    server = new_server(config=BARE)
    server.expect(r"\[emerg\]")
    assert server.run("-t", "-g", "http { }").returncode == 1


def test_g_may_lack_its_last_semicolon_no_more_than_a_file(new_server):
    server = new_server(config=BARE)
    server.expect(r"\[emerg\]")
    done = server.run("-t", "-g", "worker_processes 1")
    assert done.returncode == 1
    assert 'unexpected end of parameter, expecting ";" in command line' in done.stderr


def test_a_configuration_that_is_not_there_is_refused(new_server):
    server = new_server()
    server.expect(r"\[emerg\]")
    done = server.run("-t", "-c", "conf/nowhere.conf")
    assert done.returncode == 1
    path = server.path("conf/nowhere.conf")
    assert f'server: [emerg] open() "{path}" failed (2: No such file or directory)' in done.stderr
    assert f"server: configuration file {path} test failed" in done.stderr


def test_a_folder_is_no_configuration(new_server):
    server = new_server()
    server.expect(r"\[emerg\]|\[crit\]")
    assert server.run("-t", "-c", "conf").returncode == 1
