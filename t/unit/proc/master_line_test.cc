// t/unit/proc/master_line_test.cc - a worker's questions: whose answer is whose, and who waits no longer.
//
// The master is the test, at the other end of the channel.
#include "proc/master_line.h"

#include <gtest/gtest.h>

#include <list>
#include <memory>

#include "event/task.h"
#include "proc/sealed_file.h"
#include "proc/steering_answer.h"
#include "t/unit/event/scripted_engine.h"

namespace ringx::proc {
namespace {

class MasterLineTest : public testing::Test {
 protected:
    struct Asking {
        Asking(Steering& line, Loop& loop, Steering::Wish wish) : question(line, loop, wish) {}
        SteeringQuestion question;
        Result<SteeringAnswer> answer;
        Task<void> task;
    };

    MasterLineTest() {
        loop.open(std::make_unique<ScriptedEngine>(loop));
        EXPECT_TRUE(Channel::make_pair(master, worker));
    }

    Asking& ask(Steering::Wish wish = Steering::Wish::reload) {
        Asking& one = all.emplace_back(line, loop, wish);
        one.task = wait(one);
        return one;
    }
    static Task<void> wait(Asking& one) {
        SteeringQuestion& question = one.question;
        one.answer = co_await question;
    }

    uint32_t asked_number(Message::Kind kind) {
        auto message = master.receive();
        EXPECT_TRUE(message.has_value());
        EXPECT_EQ(message->kind, kind);
        return message->number;
    }
    void answer(uint32_t number, const std::string& bytes) {
        auto sealed = seal(bytes);
        int fds[] = {sealed->get()};
        ASSERT_TRUE(master.send(Message::Kind::answered, number, fds));
        auto message = worker.receive();
        ASSERT_TRUE(message.has_value());
        line.deliver(*message);
    }
    void turns() {
        for (int i = 0; i < 5; ++i) loop.turn(0);
    }

    Loop loop;
    Channel master, worker;
    MasterLine line{worker};
    std::list<Asking> all;
};

TEST_F(MasterLineTest, each_question_gets_its_own_answer) {
    Asking& first = ask(Steering::Wish::check);
    Asking& second = ask();
    uint32_t first_number = asked_number(Message::Kind::ask_check);
    uint32_t second_number = asked_number(Message::Kind::ask_reload);
    answer(second_number, pack({.good = true, .generation = 2}));
    EXPECT_FALSE(first.task.done());
    ASSERT_TRUE(second.task.done());
    EXPECT_TRUE(second.answer->good);
    EXPECT_EQ(second.answer->generation, 2u);
    answer(first_number, pack({.generation = 2, .mistakes = {{.sentence = "no"}}}));
    ASSERT_TRUE(first.task.done());
    EXPECT_EQ(first.answer->mistakes.at(0).sentence, "no");
    answer(first_number, pack({}));  // said twice: nobody asks any more
}

TEST_F(MasterLineTest, who_gave_up_is_not_told) {
    Asking& one = ask();
    uint32_t number = asked_number(Message::Kind::ask_reload);
    one.question.cancel();
    answer(number, pack({.good = true}));
    turns();
    ASSERT_TRUE(one.task.done());
    EXPECT_EQ(one.answer.error().number, ECANCELED);
    one.question.cancel();
}

TEST_F(MasterLineTest, who_waits_is_told_that_the_master_is_gone) {
    Asking& one = ask();
    Asking& two = ask();
    EXPECT_TRUE(line.is_there());
    line.hang_up();
    EXPECT_FALSE(line.is_there());
    Asking& late = ask();
    for (Asking* asking : {&one, &two, &late}) {
        ASSERT_TRUE(asking->task.done());
        EXPECT_EQ(asking->answer.error().number, EPIPE);
    }
}

TEST_F(MasterLineTest, an_answer_that_makes_no_sense_is_an_error) {
    Asking& one = ask();
    answer(asked_number(Message::Kind::ask_reload), "nonsense");
    ASSERT_TRUE(one.task.done());
    EXPECT_FALSE(one.answer);
    Asking& two = ask();
    line.deliver({.kind = Message::Kind::answered, .number = asked_number(Message::Kind::ask_reload)});
    ASSERT_TRUE(two.task.done());
    EXPECT_FALSE(two.answer);
}

TEST_F(MasterLineTest, too_many_questions_are_refused) {
    for (size_t i = 0; i < MasterLine::questions_max; ++i) ask();
    Asking& surplus = ask();
    ASSERT_TRUE(surplus.task.done());
    EXPECT_EQ(surplus.answer.error().number, EAGAIN);
    line.hang_up();
}

TEST_F(MasterLineTest, without_a_master_nobody_knows) {
    Channel none;
    MasterLine unconnected(none);
    Asking one(unconnected, loop, Steering::Wish::check);
    one.task = wait(one);
    ASSERT_TRUE(one.task.done());
    EXPECT_EQ(one.answer.error().number, EPIPE);
}

}  // namespace
}  // namespace ringx::proc
