// t/unit/event/scripted_engine_test.cc - the scripted engine keeps the promises of the real ones, and does what a test
// tells it to.
//
// The conversation under test is an echo: it receives a piece, sends it back and ends with its peer.
#include "t/unit/event/scripted_engine.h"

#include <gtest/gtest.h>

#include "event/loop.h"

namespace ringx {
namespace {

using Kind = Operation::Kind;

class Echo {
 public:
    Echo(Loop& loop, int fd) : loop_(loop) {
        receive_.echo = send_.echo = this;
        receive_.kind = Kind::receive;
        send_.kind = Kind::send;
        receive_.fd = send_.fd = fd;
        send_.message = &message_;
        message_.msg_iov = &part_;
        message_.msg_iovlen = 1;
        loop.engine().start(receive_);
    }

    void end() {
        ending_ = true;
        loop_.engine().cancel(receive_);
        loop_.engine().cancel(send_);
    }

    bool over = false;
    int error = 0;

 private:
    struct Step : Operation {
        void complete(Outcome outcome) override { echo->go_on(*this, outcome); }
        Echo* echo = nullptr;
    };

    void go_on(Step& step, Outcome outcome) {
        if (outcome.buffer >= 0) {
            Lease lease(loop_.engine().buffers(), outcome.buffer, static_cast<uint32_t>(outcome.result));
            text_ = lease.view();
        }
        if (ending_ || outcome.result <= 0) {
            over = true;
            error = -outcome.result;
            return loop_.engine().close(step.fd);
        }
        part_ = {text_.data(), text_.size()};
        loop_.engine().start(&step == &receive_ ? send_ : receive_);
    }

    Loop& loop_;
    Step receive_;
    Step send_;
    std::string text_;
    iovec part_{};
    msghdr message_{};
    bool ending_ = false;
};

struct Scene {
    Scene() {
        auto made = std::make_unique<ScriptedEngine>(loop, 4, 64);
        engine = made.get();
        loop.open(std::move(made));
        fd = engine->make_socket();
    }
    ScriptedEngine::Peer& peer() { return engine->peer(fd); }

    Loop loop;
    ScriptedEngine* engine;
    int fd;
};

TEST(ScriptedEngine, delivers_what_the_peer_says_in_pieces_of_any_size) {
    for (size_t piece = 1; piece <= 70; ++piece) {
        Scene scene;
        scene.engine->receive_bytes_max = piece;
        scene.engine->send_bytes_max = 80 - piece;
        std::string text(200, '.');
        for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(' ' + i % 90);
        scene.peer().says = text;
        scene.peer().finished = true;
        Echo echo(scene.loop, scene.fd);
        EXPECT_EQ(scene.engine->answers(), 0u);
        scene.engine->settle();
        EXPECT_TRUE(echo.over && echo.error == 0);
        EXPECT_EQ(scene.peer().heard, text);
        EXPECT_TRUE(scene.peer().closed);
        EXPECT_EQ(scene.engine->in_flight(), "");
    }
}

TEST(ScriptedEngine, fails_each_operation_and_each_answer) {
    for (bool operation : {true, false}) {
        size_t n = 1;
        for (;; ++n) {
            Scene scene;
            scene.peer().says = std::string(150, 'x');
            scene.peer().finished = true;
            if (operation) scene.engine->fail_operation(n, EIO);
            if (!operation) scene.engine->fail_answer(n, EIO);
            Echo echo(scene.loop, scene.fd);
            scene.engine->settle();
            EXPECT_TRUE(echo.over);
            EXPECT_EQ(scene.engine->buffers().available(), 4u);
            if (scene.engine->answers() < n) break;
            EXPECT_EQ(echo.error, EIO);
        }
        EXPECT_EQ(n, 8u);  // three receives and sends, and the receive of the end, before
    }
}

TEST(ScriptedEngine, cancels_at_each_wait) {
    for (size_t n = 1;; ++n) {
        Scene scene;
        scene.peer().says = std::string(150, 'x');
        scene.peer().finished = true;
        Echo echo(scene.loop, scene.fd);
        bool interrupted = false;
        scene.engine->interrupt(n, [&] {
            interrupted = true;
            echo.end();
        });
        scene.engine->settle();
        EXPECT_TRUE(echo.over);
        if (!interrupted) break;
        EXPECT_EQ(echo.error, ECANCELED);
    }
}

TEST(ScriptedEngine, records_what_was_started_and_tells_what_is_in_flight) {
    Scene scene;
    Echo echo(scene.loop, scene.fd);
    EXPECT_EQ(scene.engine->in_flight(), "receive on " + std::to_string(scene.fd));
    scene.peer().says = "x";
    scene.peer().deaf = true;
    scene.engine->settle();
    EXPECT_EQ(scene.engine->in_flight(), "send on " + std::to_string(scene.fd));
    scene.peer().deaf = false;
    scene.peer().error = ECONNRESET;
    scene.engine->settle();
    EXPECT_EQ(echo.error, ECONNRESET);
    std::vector<ScriptedEngine::Started> want = {
        {Kind::receive, scene.fd}, {Kind::send, scene.fd}, {Kind::receive, scene.fd}};
    EXPECT_EQ(scene.engine->started(), want);
}

TEST(ScriptedEngine, answers_as_told_and_in_the_order_asked_for) {
    struct Noted : Operation {
        void complete(Outcome outcome) override { notes->push_back({number, outcome.result}); }
        std::vector<std::pair<int, int>>* notes;
        int number;
    };
    using Notes = std::vector<std::pair<int, int>>;
    struct {
        ScriptedEngine::Order order;
        Notes want;
    } cases[] = {
        {ScriptedEngine::Order::as_started, {{0, 10}, {1, -ECANCELED}, {2, 20}}},
        {ScriptedEngine::Order::newest_first, {{2, 10}, {1, -ECANCELED}, {0, 20}}},
    };
    for (auto& c : cases) {
        Scene scene;
        scene.engine->order = c.order;
        Notes notes;
        Noted operations[3];
        for (int i = 0; i < 3; ++i) {
            operations[i].notes = &notes;
            operations[i].number = i;
            operations[i].events = POLLIN;
            operations[i].fd = scene.fd;
            scene.loop.engine().start(operations[i]);
        }
        scene.engine->answer_next(Kind::poll, {10});
        scene.engine->answer_next(Kind::poll, {20});
        scene.engine->cancel(operations[1]);
        scene.loop.turn(0);
        EXPECT_EQ(notes, c.want);
    }
}

TEST(ScriptedEngine, parks_receives_while_all_buffers_are_lent) {
    Scene scene;
    std::vector<int32_t> taken;
    while (scene.engine->buffers().available() > 0) taken.push_back(scene.engine->buffers().take());
    scene.peer().says = "x";
    scene.peer().finished = true;
    Echo echo(scene.loop, scene.fd);
    scene.engine->settle();
    EXPECT_FALSE(echo.over);
    for (int32_t buffer : taken) scene.engine->buffers().give_back(buffer);
    scene.engine->settle();
    EXPECT_TRUE(echo.over);
    EXPECT_EQ(scene.peer().heard, "x");
}

TEST(ScriptedEngine, accepts_what_arrives) {
    Scene scene;
    struct Listener : Operation {
        void complete(Outcome outcome) override { results.push_back(outcome.result); }
        std::vector<int> results;
    } listener;
    listener.kind = Kind::accept_many;
    listener.fd = scene.fd;
    scene.peer().arriving = {scene.engine->make_socket(), scene.engine->make_socket(), -EMFILE};
    scene.loop.engine().start(listener);
    scene.engine->settle();
    EXPECT_EQ(listener.results, (std::vector<int>{scene.fd + 1, scene.fd + 2, -EMFILE}));
    EXPECT_FALSE(listener.in_flight());
}

}  // namespace
}  // namespace ringx
