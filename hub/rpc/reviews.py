"""ReviewService: the hub's reviewers, and figures for everybody."""

from __future__ import annotations

from typing import Any

import grpc

from comity.v1 import reviews_pb2, reviews_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.reviews import ReviewService

_Context = grpc.aio.ServicerContext[Any, Any]


class ReviewServicer(reviews_pb2_grpc.ReviewServiceServicer):
    """ListReviews, GetReview, TakeReview, DecideReview, GetReviewStatistics."""

    def __init__(self, reviews: ReviewService) -> None:
        self._reviews = reviews

    async def ListReviews(
        self, request: reviews_pb2.ListReviewsRequest, context: _Context
    ) -> reviews_pb2.ListReviewsResponse:
        return await self._reviews.list_page(current_caller(), request)

    async def GetReview(
        self, request: reviews_pb2.GetReviewRequest, context: _Context
    ) -> reviews_pb2.GetReviewResponse:
        return await self._reviews.get(current_caller(), request)

    async def TakeReview(
        self, request: reviews_pb2.TakeReviewRequest, context: _Context
    ) -> reviews_pb2.TakeReviewResponse:
        return await self._reviews.take(current_caller(), request)

    async def DecideReview(
        self, request: reviews_pb2.DecideReviewRequest, context: _Context
    ) -> reviews_pb2.DecideReviewResponse:
        return await self._reviews.decide(current_caller(), request)

    async def GetReviewStatistics(
        self, request: reviews_pb2.GetReviewStatisticsRequest, context: _Context
    ) -> reviews_pb2.GetReviewStatisticsResponse:
        return await self._reviews.statistics()
