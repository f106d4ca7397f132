// base/list.h - a doubly linked list whose links live in the members.
//
// A member knows how to leave its list in constant time and without knowing the list; destroying it unlinks it. The
// list owns nothing.
#pragma once

#include "base/check.h"

namespace ringx {

class ListNode {
 public:
    ListNode() = default;
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;
    ~ListNode() { unlink(); }

    bool linked() const { return next_ != nullptr; }

    void unlink() {
        if (!linked()) return;
        before_->next_ = next_;
        next_->before_ = before_;
        next_ = before_ = nullptr;
    }

 private:
    template <typename T>
    friend class List;

    ListNode* next_ = nullptr;
    ListNode* before_ = nullptr;
};

// A list of T, each of which derives from ListNode.
template <typename T>
class List {
 public:
    List() { head_.next_ = head_.before_ = &head_; }
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    ~List() {
        while (!empty()) head_.next_->unlink();
    }

    bool empty() const { return head_.next_ == &head_; }
    T& front() { return static_cast<T&>(*head_.next_); }

    void push_back(T& member) { insert(member, head_.before_, &head_); }
    void push_front(T& member) { insert(member, &head_, head_.next_); }

    T& pop_front() {
        CHECK(!empty());
        T& first = front();
        static_cast<ListNode&>(first).unlink();
        return first;
    }

    // Moves all of `other` to the end of this list.
    void take_all(List& other) {
        if (other.empty()) return;
        ListNode* first = other.head_.next_;
        ListNode* last = other.head_.before_;
        other.head_.next_ = other.head_.before_ = &other.head_;
        first->before_ = head_.before_;
        head_.before_->next_ = first;
        last->next_ = &head_;
        head_.before_ = last;
    }

    // Calls `visit(T&)` for each member; `visit` may unlink the member it is given, and no other.
    template <typename Visit>
    void each(Visit visit) {
        for (ListNode* at = head_.next_; at != &head_;) {
            ListNode* next = at->next_;
            visit(static_cast<T&>(*at));
            at = next;
        }
    }

 private:
    void insert(ListNode& member, ListNode* before, ListNode* next) {
        CHECK(!member.linked());
        member.before_ = before;
        member.next_ = next;
        before->next_ = &member;
        next->before_ = &member;
    }

    ListNode head_;
};

}  // namespace ringx
